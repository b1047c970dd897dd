"""Ray, as a session wants it: private, locked with a token, quiet, and gone afterwards."""

import contextlib
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamer.environment import environment
from streamer.errors import PipelineError, UserError
from streamer.processes import end, is_alive, marked, name_of, wait_for_end
from streamer.settings import RaySettings
from streamer.signals import handlers_kept, held_back, undisturbed
from streamer.stderr import native_stderr_silenced
from streamer.temporary_folder import temporary_folder

# Ray reads these once, when it is imported. It listens on all interfaces whatever it is told, so
# the token is what keeps strangers out.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Its workers would give way to whatever else the machine does, and what is live would fall behind.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
# Of every call to an actor it would keep a record, 400 MB an hour of them.
os.environ.setdefault("RAY_task_events_report_interval_ms", "0")
# Its logs would hold statistics of every minute, 6 MB an hour, and grow to half a gigabyte each.
os.environ.setdefault("RAY_event_stats_print_interval_ms", "0")
os.environ.setdefault("RAY_ROTATION_MAX_BYTES", "1000000")
os.environ.setdefault("RAY_ROTATION_BACKUP_COUNT", "1")
# Where it cannot reach the raylet, and takes its process for dead, Ray ends a driver on the spot:
# not even context managers run. It takes the parent for that process unless it is told another one,
# and for dead if that is process 1. That the raylet is gone the supervisor sees.
os.environ["RAY_RAYLET_PID"] = str(os.getpid())

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

from actors.host import Host

MARK = "QAMOE_CLUSTER"
"""Set, to the cluster's folder, in the environment of all its processes: so they are found even
where those that started them are gone."""

VITAL = ("gcs_server", "raylet")
"""The processes that Ray itself consists of."""

GRACE_SECONDS = 1.0
"""How long a process may take to end by itself."""

WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # the models share the cores
    "MALLOC_ARENA_MAX": "2",  # each of many threads would keep memory that it no longer uses
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PULSE_LATENCY_MSEC": "20",
}


class ActorDiedError(PipelineError):
    """An actor's process has ended."""


class Cluster:
    """One that runs. ``is_local``: it is a private one, whose processes are on this machine."""

    def __init__(self, folder: Path, is_local: bool) -> None:
        self.is_local = is_local
        self.processes = marked(MARK, str(folder)) if is_local else []
        self._vital = [process for process in self.processes if name_of(process) in VITAL]

    @property
    def has_died(self) -> bool:
        """Whether one of the processes that Ray itself consists of is gone."""
        return not all(map(is_alive, self._vital))


@contextlib.contextmanager
def running(settings: RaySettings) -> Iterator[Cluster]:
    """A cluster of our own for as long as the context lasts, or the one at ``settings.address``.

    Raises PipelineError where Ray does not start.
    """
    with temporary_folder("qamoe-") as folder:
        options: dict[str, Any] = {"address": settings.address}
        if settings.address is None:
            options = {
                "object_store_memory": settings.object_store_mb * 2**20,
                "include_dashboard": False,
                # Ray opens its folder to everybody, ours stays shut.
                "_temp_dir": str(folder / "ray"),
            }
        cluster = None
        try:
            _init(folder, options)
            cluster = Cluster(folder, settings.address is None)
            yield cluster
        finally:
            with held_back():
                _take_down(folder, cluster)


def actor(wants_gpu: bool) -> Any:
    """Start an actor that can host a stage; see actors.host.Host.

    It needs no processor of its own as Ray counts them, or a third one would wait for ever on two
    cores; and part of a GPU only where there is one. Ray does not restart it: the supervisor starts
    another one.
    """
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    hosts = ray.remote(Host).options(
        num_cpus=0,
        num_gpus=0.25 if wants_gpu and resources.get("GPU") else 0,
        max_concurrency=4,
        max_restarts=0,
        max_task_retries=0,
        max_pending_calls=64,
    )
    with undisturbed():  # of a handle that is made by half Ray prints a traceback
        return hosts.remote()


def get(name: str, reference: Any, timeout: float) -> Any:
    """What actor ``name`` answers, within ``timeout`` seconds.

    Raises the UserError that the actor raised, or PipelineError where it failed otherwise, died, or
    did not answer in time.
    """
    try:
        return ray.get(reference, timeout=max(timeout, 0))
    except GetTimeoutError:
        raise PipelineError(
            f"{name} did not answer in time: is the machine overloaded? "
            "ray.readiness_timeout gives a slow start longer"
        ) from None
    except RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise PipelineError(f"{name} failed: {_lines(error)[-1]}") from None
    except RayActorError as error:
        raise ActorDiedError(f"{name} died: {_lines(error)[0]}") from None
    except RayError as error:
        raise PipelineError(f"{name} cannot be reached: {_lines(error)[0]}") from None


def hold(value: Any) -> Any:
    """Put a copy of ``value`` into Ray's object store for as long as what this gives is kept."""
    return ray.put(value)


def _init(folder: Path, options: dict[str, Any]) -> None:
    """Start from an empty folder: Ray puts the one it starts from on its workers' path, where
    somebody's own package ``models`` would hide ours."""
    home = Path.home()
    empty = folder / "empty"
    empty.mkdir()
    # Without this file in its home Ray asks the network which cloud it is in, even with usage
    # statistics off.
    (folder / "ray_bootstrap_config.yaml").write_text("{}")
    marked = environment({"HOME": str(folder), MARK: str(folder)})
    with contextlib.chdir(empty), marked, handlers_kept(), _connection_held():
        try:
            ray.init(
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": {**WORKER_ENVIRONMENT, "HOME": str(home)}},
                **options,
            )
            # What it would print of an actor that has died, on standard output among the messages,
            # the supervisor logs. No option of Ray's turns it off.
            ray._private.worker._worker_logs_enabled = False
        except SystemExit:  # what Ray has SIGTERM do meanwhile
            raise KeyboardInterrupt from None
        except Exception as error:  # Ray raises a bare one where the machine is too slow for it
            raise PipelineError(f"Ray did not start: {_lines(error)[0]}") from None


@contextlib.contextmanager
def _connection_held() -> Iterator[None]:
    """Ray's start, which takes seconds, can be interrupted as long as it is Python that waits for
    its processes; not the half second at its end in which this one connects to them, in C++."""
    connect = ray._private.worker.connect

    def held(*arguments: Any, **options: Any) -> None:
        with undisturbed():
            connect(*arguments, **options)

    ray._private.worker.connect = held
    try:
        yield
    finally:
        ray._private.worker.connect = connect


def _take_down(folder: Path, cluster: Cluster | None) -> None:
    """Shut Ray down, and end what survives that: interrupted while it starts, it leaves agents.
    Workers and agents have nothing to lose any more and go first, as Ray would wait for one after
    the other; where it has died already, or never came to run, nothing ends them but this."""
    runs = cluster is not None and not cluster.has_died
    known = [] if cluster is None else cluster.processes
    below = [*known, *marked(MARK, str(folder))]
    end([process for process in below if not runs or name_of(process) not in VITAL], GRACE_SECONDS)
    with contextlib.nullcontext() if runs else native_stderr_silenced():
        ray.shutdown()
    wait_for_end(below, GRACE_SECONDS)
    end([*below, *marked(MARK, str(folder))], GRACE_SECONDS)


def _lines(error: BaseException) -> list[str]:
    return str(error).strip().splitlines() or [type(error).__name__]
