"""The README's first configuration and its transcript, run for real."""
import pytest
from support.transcript import Shell, as_pattern, places, read, replace


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.close()


def test_the_pattern_can_fail():
    pattern = as_pattern("HTTP/1.1 401\n...\nend\n")
    assert pattern.fullmatch("HTTP/1.1 401\na\nb\nend\n")
    assert not pattern.fullmatch("HTTP/1.1 402\na\nend\n")
    assert not pattern.fullmatch("HTTP/1.1 401\na\nend\nmore\n")


def test_first_configuration(httpd, shell):
    server = httpd(start=False)
    page = read("README.md")
    conf, = [step[1] for step in page if step[0] == "apache"]
    commands = [step[1:] for step in page if step[0] == "console"]
    assert len(commands) >= 8
    for number, (command, pattern) in enumerate(commands):
        if "curl" in command and not server.process:
            code, said = server.configtest(conf)
            assert code == 0, said
            server.start(conf)
        printed = shell.run(replace(command, places(server)))
        assert pattern.fullmatch(printed), (number, command, printed)
    assert server.process and "scope_missing" in server.log()
