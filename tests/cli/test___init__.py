import pytest

import app
from app.cli import main


@pytest.mark.parametrize(
    "arguments",
    [
        ["unknown"],
        ["connect", "--listen", "nowhere"],
        ["connect", "--no-such-option"],
        ["serve"],
        ["serve", "--listen", "127.0.0.1:0"],
        ["serve", "--listen", "127.0.0.1:0", "--password-file", "f", "--password-env", "V"],
        ["probe", "--target", "x"],
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    captured = capsys.readouterr()
    assert caught.value.code == 2
    assert captured.out == ""
    assert captured.err.startswith("anytls-tray: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["connect", "nonsense"], 2),
        (["connect"], 2),
        (["probe", "https://example.com"], 2),
        (["connect", "--config", "/no/such/file"], 2),
        (["serve", "--listen", "127.0.0.1:0", "--password-file", "/no/such/file"], 2),
        (["connect", "anytls://x@127.0.0.1:1/", "--listen", "0.0.0.0:0"], 2),
        (["connect", "anytls://x@127.0.0.1:1/", "--listen", "192.0.2.1:1080", "--user-env", "LOCAL"], 1),
    ],
)
def test_a_failure_is_one_sentence_and_its_exit_code(arguments, code, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCAL", "anna:secret")
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_help_and_nothing(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(verb in captured.err for verb in ("connect", "serve", "probe", "--demo"))


def test_the_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"anytls-tray {app.__version__}\n"


@pytest.mark.parametrize("place", [0, 1])
def test_the_log_level_may_stand_before_the_verb_or_behind_it(place, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr("app.cli.probe.log_to_stderr", asked.append)
    arguments = ["probe", "nonsense"]
    arguments[place:place] = ["--log-level", "error"]
    main(arguments)
    assert asked == ["error"]


def test_ctrl_c_before_anything_runs_is_no_error(monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.probe.imported", interrupted)
    assert main(["probe", "-"]) == 0
