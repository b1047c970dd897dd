"""What every window took in each stage: spans from the actors, as a profile or as OpenTelemetry."""
