"""The commit of a run is known, and no program that the repository names is run to know it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from forecasting.results.versions import git_commit


def at(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """The working directory, with one commit; the package stands outside of it."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    package, folder = tmp_path / "installed", tmp_path / "analysis"
    package.mkdir()
    folder.mkdir()
    monkeypatch.setattr("forecasting.results.versions.__file__", str(package / "versions.py"))
    monkeypatch.chdir(folder)
    at(folder, "init", "--quiet")
    (folder / "data.txt").write_text("1")
    at(folder, "add", "data.txt")
    at(folder, "commit", "--quiet", "-m", "data")
    return folder


def test_the_commit_of_the_working_directory(repository):
    first = at(repository, "rev-parse", "HEAD")
    assert git_commit() == {"commit": first, "of": "working directory", "changed": "no"}
    (repository / "data.txt").write_text("2")
    assert git_commit() == {"commit": first, "of": "working directory", "changed": "yes"}


def test_the_commit_of_the_package_comes_first(repository, monkeypatch):
    module = repository / "package" / "versions.py"
    module.parent.mkdir()
    module.write_text("")
    monkeypatch.setattr("forecasting.results.versions.__file__", str(module))
    assert git_commit()["of"] == "working directory"
    at(repository, "add", "package")
    at(repository, "commit", "--quiet", "-m", "package")
    found = at(repository, "rev-parse", "HEAD")
    assert git_commit() == {"commit": found, "of": "package", "changed": "no"}


def test_a_work_tree_of_its_own(repository, tmp_path, monkeypatch):
    at(repository, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    (tmp_path / "other" / "data.txt").write_text("2")
    at(tmp_path / "other", "commit", "--quiet", "-a", "-m", "more")
    monkeypatch.chdir(tmp_path / "other")
    found = at(tmp_path / "other", "rev-parse", "HEAD")
    assert found != at(repository, "rev-parse", "HEAD")
    assert git_commit() == {"commit": found, "of": "working directory", "changed": "no"}


def test_there_is_none_outside_a_repository_before_a_commit_and_without_git(
    repository, tmp_path, monkeypatch
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert git_commit() is None
    at(tmp_path / "empty", "init", "--quiet")
    assert git_commit() is None
    monkeypatch.chdir(repository)
    assert git_commit() is not None
    monkeypatch.setenv("PATH", "")
    assert git_commit() is None


def test_a_repository_that_git_does_not_trust_is_left_alone(repository, monkeypatch):
    # Git's own switch for its tests: every repository is somebody else's.
    kept = ("GIT_TEST_ASSUME_DIFFERENT_OWNER", "GIT_CONFIG_GLOBAL", "GIT_CEILING_DIRECTORIES")
    monkeypatch.setattr("forecasting.results.versions._OF_THE_USER", kept)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert git_commit() is None


def test_variables_that_point_git_elsewhere_do_not_count(repository, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    at(tmp_path / "elsewhere", "init", "--quiet")
    expected = git_commit()
    assert expected is not None
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no-index"))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    assert git_commit() == expected
    assert not (tmp_path / "trace").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the traps are shell scripts")
def test_no_program_that_the_repository_names_is_run(repository, tmp_path):
    """Each trap leaves a file when plain git runs into it, and none when we ask."""
    caught = tmp_path / "caught"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho $0 >> {shlex.quote(str(caught))}\ncat\n")
    trap.chmod(0o755)
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout"):
        (hooks / name).write_text(trap.read_text())
        (hooks / name).chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "diff.external", "core.sshCommand"):
        at(repository, "config", name, str(trap))
    found = git_commit()
    assert found is not None
    assert found["changed"] == "no"
    # As fresh as the index, so that git compares the content.
    (repository / "data.txt").write_text("1")
    (repository / ".git" / "info" / "attributes").write_text("* filter=trap\n")
    at(repository, "config", "--unset", "core.fsmonitor")
    at(repository, "config", "filter.trap.clean", str(trap))
    caught.unlink(missing_ok=True)
    assert git_commit() == {**found, "changed": "not known"}
    assert not caught.exists()
    os.utime(repository / "data.txt")
    at(repository, "status")
    assert caught.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the trap is a shell script")
def test_plain_git_runs_the_file_monitor_and_we_do_not(repository, tmp_path):
    caught = tmp_path / "caught"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(caught))}\n")
    trap.chmod(0o755)
    at(repository, "config", "core.fsmonitor", str(trap))
    assert git_commit() is not None
    assert not caught.exists()
    at(repository, "status")
    assert caught.exists()
