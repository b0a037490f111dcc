"""The number of processors that a process may use: affinity, quotas of containers, and the workers of joblib."""

import json
import os
import sys
from pathlib import Path

import pytest
from processes import run_python

from fastgd.backends.cores import count_cores, find_quota, list_cores

# What Docker, Podman, Kubernetes, systemd and a bare machine write into the two files of /proc, as far as it counts.
V2 = "0::{path}\n"
V1 = "9:name=systemd:/\n5:memory:/elsewhere\n1:cpu,cpuacct:{path}\n"
HYBRID = "1:cpu:{path}\n0::/\n"
MOUNT_V2 = "31 23 0:28 {top} {mounted} rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
MOUNT_V1 = "32 23 0:28 {top} {mounted} rw - cgroup cgroup rw,cpu,cpuacct\n"
OTHER_MOUNTS = (
    "22 1 0:20 / / rw,relatime - ext4 /dev/root rw\n23 22 0:21 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
)


def make_system(root, groups, mounts, quotas):
    """Write the files of a system: `quotas` are the texts of files below its root."""
    files = {"proc/self/cgroup": groups, "proc/self/mountinfo": OTHER_MOUNTS + mounts, **quotas}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


@pytest.mark.parametrize(
    ("path", "quotas", "expected"),
    [
        ("/", {".": "150000 100000"}, 2),  # a container in a namespace of its own: the root is its group
        ("/", {".": "100000 100000"}, 1),
        ("/", {".": "10000 100000"}, 1),  # a tenth of a processor
        ("/", {".": "200001 100000"}, 3),
        ("/", {".": "6400000 100000"}, 64),
        ("/", {".": "max 100000"}, None),
        ("/", {}, None),  # the root of a machine has no such file
        ("/a/b", {"a/b": "400000 100000"}, 4),
        ("/a/b", {"a": "200000 100000", "a/b": "max 100000"}, 2),
        ("/a/b", {"a": "200000 100000", "a/b": "400000 100000"}, 2),
        ("/a/b", {"a": "400000 100000", "a/b": "200000 100000"}, 2),
        ("/a/b", {"a": "max 100000", "a/b": "max 100000", "c": "100000 100000", "a/b/c": "100000 100000"}, None),
        ("/a/b", {".": "300000 100000"}, 3),  # a/b is not mounted here
        ("/../b", {".": "300000 100000", "../b": "100000 100000"}, 3),  # outside the namespace
        ("/a", {"a": "50000 50000"}, 1),
        ("/a", {"a": "0 100000"}, None),
        ("/a", {"a": "100000 0"}, None),
        ("/a", {"a": "many"}, None),
        ("/a", {"a": ""}, None),
    ],
)
def test_the_least_quota_of_a_group_and_those_above_it_counts(tmp_path, path, quotas, expected):
    files = {f"sys/fs/cgroup/{folder}/cpu.max": f"{text}\n" for folder, text in quotas.items()}
    mount = MOUNT_V2.format(top="/", mounted="/sys/fs/cgroup")
    assert find_quota(make_system(tmp_path, V2.format(path=path), mount, files)) == expected


@pytest.mark.parametrize(
    ("path", "top", "quotas", "expected"),
    [
        ("/", "/", {".": (-1, 100000)}, None),
        ("/", "/", {".": (150000, 100000)}, 2),
        ("/docker/1f", "/docker/1f", {".": (300000, 100000)}, 3),  # the host's path, but only the container's files
        ("/docker/1f/a", "/docker/1f", {".": (300000, 100000), "a": (100000, 100000)}, 1),
        ("/docker/1f", "/", {"docker": (200000, 100000), "docker/1f": (-1, 100000)}, 2),
        ("/docker/1f", "/docker/2e", {".": (200000, 100000)}, 2),
        ("/", "/..", {".": (200000, 100000)}, 2),
    ],
)
def test_the_first_version_of_control_groups_counts_too(tmp_path, path, top, quotas, expected):
    mounted = "/sys/fs/cgroup/cpu,cpuacct"
    files = {}
    for folder, numbers in quotas.items():
        for name, number in zip(("cpu.cfs_quota_us", "cpu.cfs_period_us"), numbers, strict=True):
            files[f"{mounted.lstrip('/')}/{folder}/{name}"] = f"{number}\n"
    mount = MOUNT_V1.format(top=top, mounted=mounted)
    assert find_quota(make_system(tmp_path, V1.format(path=path), mount, files)) == expected


def test_a_system_with_both_versions_and_odd_names_is_read(tmp_path):
    quotas = {
        "run/my groups/cpu.cfs_quota_us": "300000",
        "run/my groups/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/unified/cpu.max": "200000 100000",
    }
    mounts = MOUNT_V1.format(top="/", mounted=r"/run/my\040groups")
    mounts += MOUNT_V2.format(top="/", mounted="/sys/fs/cgroup/unified")
    assert find_quota(make_system(tmp_path, HYBRID.format(path="/"), mounts, quotas)) == 2


@pytest.mark.parametrize(
    ("groups", "mounts"), [("", ""), ("no groups\n", ""), ("0::/\n", "no mounts\n"), ("0::/\n", "1 2 - cgroup2 a b\n")]
)
def test_a_system_that_tells_nothing_has_no_quota(tmp_path, groups, mounts):
    assert find_quota(make_system(tmp_path, groups, mounts, {})) is None


def test_a_system_without_control_groups_has_no_quota(tmp_path):
    assert find_quota(str(tmp_path)) is None


def test_no_more_processors_count_than_a_quota_pays_for(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3, raising=False)
    for quota, expected in ((None, 3), (1, 1), (2, 2), (64, 3)):
        monkeypatch.setattr("fastgd.backends.cores.find_quota", lambda quota=quota: quota)
        assert count_cores() == expected


def test_processors_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr("fastgd.backends.cores.find_quota", lambda: None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3, raising=False)
    assert count_cores() == 3
    assert set(list_cores()) == {0, 5, 7}
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.setattr(os, "process_cpu_count", lambda: None, raising=False)
    assert count_cores() == 1


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python 3.13 has that variable")
def test_pythons_own_number_of_processors_counts():
    code = (
        "from fastgd.backends.cores import count_cores, find_quota\nprint(count_cores() == min(7, find_quota() or 7))"
    )
    assert run_python(code, PYTHON_CPU_COUNT="7") == "True"


# A group that pays for one processor, below the group of this process, in whichever version this system has.
IN_A_GROUP = """
import json, os
from pathlib import Path
from fastgd.backends.cores import count_cores, find_quota
from fastgd.backends.threads import choose_threads
Path({group!r}, "cgroup.procs").write_text(str(os.getpid()))
os.environ.pop("OMP_NUM_THREADS", None)
print(json.dumps([find_quota(), count_cores(), choose_threads(1_000_000, 50, 100)]))
"""


@pytest.fixture
def group():
    """A control group with a quota of one processor."""
    for folder, file in (("", "cpu.max"), ("cpu", "cpu.cfs_quota_us"), ("cpu,cpuacct", "cpu.cfs_quota_us")):
        made = Path("/sys/fs/cgroup", folder, f"fastgd-{os.getpid()}")
        try:
            made.mkdir()
        except OSError:
            continue
        try:
            if (made / file).exists():  # not so where the folder holds the first version's hierarchies
                (made / file).write_text("100000")
                yield str(made)
                return
        finally:
            made.rmdir()
    pytest.skip("only root may make a control group, and in no container")


def test_a_real_quota_of_one_processor_gives_one_thread(group):
    assert json.loads(run_python(IN_A_GROUP.format(group=group))) == [1, 1, 1]


# joblib tells its processes by OMP_NUM_THREADS how many threads each may start.
IN_WORKERS = """
import os
from joblib import Parallel, cpu_count, delayed, parallel_config
from fastgd.backends.threads import choose_threads
os.environ.pop("OMP_NUM_THREADS", None)
def count(_):
    return choose_threads(1_000_000, 50, 100)
def run(**options):
    with parallel_config(backend="loky", n_jobs=2, **options):
        return set(Parallel()(delayed(count)(k) for k in range(4)))
assert run() == {max(cpu_count() // 2, 1)}, run()
assert run(inner_max_num_threads=1) == {1}
assert run(inner_max_num_threads=3) == {3}
"""


def test_a_worker_of_joblib_starts_no_more_threads_than_joblib_allows():
    pytest.importorskip("joblib", reason="joblib comes with scikit-learn, an extra")
    assert run_python(IN_WORKERS) == ""
