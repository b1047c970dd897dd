"""Options that more than one command has."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Config = Annotated[Path | None, typer.Option(help="A YAML file over the default settings.")]
View = Annotated[
    Literal["auto", "off", "json"],
    typer.Option(help="auto: a live view on a terminal, elsewhere one message a line."),
]
Camera = Annotated[str | None, typer.Option(help="Index, path, part of a name, URL, or off.")]
Microphone = Annotated[str | None, typer.Option(help="Name, part of it, index, or off.")]
Bind = Annotated[str | None, typer.Option(help="Address of the feed, tcp://127.0.0.1:5556.")]
Control = Annotated[
    str | None, typer.Option(help="Address of a control socket, tcp://127.0.0.1:5557; none.")
]
Keys = Annotated[Path | None, typer.Option(help="A folder of keys, which qamoe-stream keys makes.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never touch the network.")]
Data = Annotated[Path, typer.Option(help="The research data.", envvar="QAMOE_DATA")]
DEFAULT_DATA = Path("../shared/data")
Damage = Annotated[
    str | None,
    typer.Option(help="Spoil it on purpose: audio:noise=0.6@10-20,video:freeze@25-30, or a scene."),
]
Plot = Annotated[Path | None, typer.Option(help="Draw the run into this PNG at its end.")]
NoPlot = Annotated[bool, typer.Option("--no-plot", help="Draw nothing.")]
DEMO_PICTURE = Path("qamoe-demo.png")
Record = Annotated[
    Path | None,
    typer.Option(help="Keep features and messages in this file, never sound or pictures."),
]
RecordLimit = Annotated[
    int | None, typer.Option(help="MB at which the recording ends.", show_default="2000")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Take the place of a file that is there.")
]
Transcripts = Annotated[
    bool, typer.Option("--transcripts", help="Show and publish the words, too.")
]
Dashboard = Annotated[
    bool, typer.Option("--dashboard", help="Show it in a browser on this machine, too.")
]
DashboardPort = Annotated[int | None, typer.Option(help="Its port, 8556; 0 is any free one.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="QAMOE_TOKEN", help="Its token; random unless given.", show_envvar=True),
]
Pages = Annotated[Path | None, typer.Option(help="A folder of your own pages for it to serve.")]
MetricsPort = Annotated[
    int | None,
    typer.Option(help="Serve Prometheus metrics on this port of 127.0.0.1; 0 is any free one."),
]
Traces = Annotated[
    str | None, typer.Option(help="Send OpenTelemetry traces there, such as http://127.0.0.1:4318.")
]
Profile = Annotated[
    Path | None, typer.Option(help="Write what every window takes into this file, for Perfetto.")
]
LogFormat = Annotated[
    str | None, typer.Option(help="text, or json: one event a line.", show_default="text")
]
LogFile = Annotated[
    Path | None, typer.Option(help="Log into this file, instead of standard error.")
]
