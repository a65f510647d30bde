"""scripts/check counts rightly and hides no failure."""
import io
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS.parent / "tests/integration")]
import check  # noqa: E402
from support import wait  # noqa: E402
from test_demo import alive  # noqa: E402

CMOCKA_GOOD = "[==========] 3 test(s) run.\n[  PASSED  ] 3 test(s).\n"
CMOCKA_BAD = "[  PASSED  ] 2 test(s).\n[  FAILED  ] 1 test(s), listed below:\n"


@pytest.mark.parametrize("trs,log,counted", [
    (":test-result: PASS\n", CMOCKA_GOOD, check.Count(3, 0)),
    (":test-result: PASS\n", "layers: looked at 80 files\n",
     check.Count(1, 0)),
    (":test-result: FAIL\n", CMOCKA_BAD, check.Count(2, 1)),
    # All tests passed, yet the program failed: valgrind, a sanitizer.
    (":test-result: FAIL\n", CMOCKA_GOOD, check.Count(3, 1)),
    (":test-result: FAIL\n", "", check.Count(0, 1)),
    (":test-result: ERROR\n", "", check.Count(0, 1)),
    (":test-result: SKIP\n", "", check.Count(0, 0, 1)),
    ("", CMOCKA_GOOD, check.Count(3, 1)),
])
def test_make_check_is_counted(tmp_path, trs, log, counted):
    (tmp_path / "tests/unit").mkdir(parents=True)
    (tmp_path / "tests/unit/test_x.trs").write_text(trs)
    (tmp_path / "tests/unit/test_x.log").write_text(log)
    assert check.count_make_check(tmp_path) == counted


@pytest.mark.parametrize("test,counted,code", [
    ("def test(): pass", check.Count(1, 0), 0),
    ("def test(): assert 0", check.Count(0, 1), 1),
    ("import pytest\n@pytest.fixture\ndef f(): 1 / 0\ndef test(f): pass",
     check.Count(0, 1), 1),
    ("import pytest\ndef test(): pytest.skip()", check.Count(0, 0, 1), 0),
    ("import nothing_of_this_name", check.Count(0, 1), 2),
])
def test_pytest_is_counted(tmp_path, test, counted, code):
    (tmp_path / "test_inner.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         f"--junitxml={tmp_path}/report.xml", tmp_path], cwd=tmp_path,
        capture_output=True, timeout=60)
    assert done.returncode == code
    assert check.count_pytest(tmp_path / "report.xml") == counted


def test_no_report_counts_nothing(tmp_path):
    assert check.count_pytest(tmp_path / "report.xml") == check.Count()


@pytest.mark.parametrize("code,counted,result", [
    (0, None, check.Count(1, 0)), (1, None, check.Count(0, 1)),
    (0, check.Count(5, 0), check.Count(5, 0)),
    (1, check.Count(5, 2), check.Count(5, 2)),
    # A failure that no test counts for is not lost.
    (1, check.Count(5, 0), check.Count(5, 1)),
    # A step that ran no test has failed.
    (0, check.Count(0, 0), check.Count(0, 1)),
    (0, check.Count(0, 0, 3), check.Count(0, 1, 3)),
])
def test_verdict(code, counted, result):
    assert check.verdict(code, counted) == result


@pytest.fixture
def examination(tmp_path):
    return check.Examination(tmp_path / "check", io.StringIO())


@pytest.mark.parametrize("command,status,line", [
    ("echo done", 0, "2 passed, 0 failed"),
    ("echo broken; exit 3", 1, "1 passed, 1 failed"),
    ("kill -9 $$", 1, "1 passed, 1 failed"),
])
def test_steps_add_up(examination, tmp_path, command, status, line):
    steps = [("first", "true", tmp_path), ("second", command, tmp_path)]
    examination.together([(examination.run, *step) for step in steps])
    assert examination.end() == status
    output = examination.out.getvalue()
    assert output.splitlines()[-1] == line
    assert ("    | broken" in output) == ("broken" in command)


def test_a_step_that_hangs_is_ended(examination, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "STEP_LIMIT_SEC", 0.2)
    assert not examination.run("hang", "sleep 60 & wait", tmp_path)
    assert "not done after 0.2 s" in examination.out.getvalue()


def test_what_could_not_run_has_failed(examination):
    examination.not_run("tests", "there is no build")
    assert examination.end() == 1
    assert examination.out.getvalue().endswith("0 passed, 1 failed\n")


def test_an_interruption_ends_what_runs(tmp_path):
    log = tmp_path / "check/logs/hang.log"
    program = ("import check, signal\n"
               "check.JOBS = 2\n"
               f"ex = check.Examination('{tmp_path}/check')\n"
               "signal.signal(signal.SIGTERM, ex.stop)\n"
               "ex.together([(ex.run, 'hang', 'echo $$; exec sleep 60', '/'),"
               f" (ex.run, 'kill', 'until [ -s {log} ]; do sleep 0.1; done;"
               " kill $PPID; sleep 60', '/')])\n")
    done = subprocess.run([sys.executable, "-c", program], cwd=SCRIPTS,
                          capture_output=True, timeout=50)
    assert done.returncode == 1 and done.stdout.endswith(b"interrupted\n")
    wait.until(lambda: not alive(int(log.read_text())))
