import os

# ONNX Runtime, which the voice activity detector runs on, reads it when it is imported. Without it
# it keeps a number of this machine in the user's cache folder and calls its makers.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
