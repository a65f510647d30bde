"""Tests of htapi that need no httpd; they share the helpers of the
integration tests."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

pytest_plugins = ["support.registries"]
