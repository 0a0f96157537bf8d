# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads metrics on stdin with Prometheus' own parsers (argument: open or classic), writes JSON:
{family: {"type": ..., "unit": ..., "samples": [[name, labels, value]...]}}. Any fault of the format is a failure."""

import json
import sys

from prometheus_client import parser as classic
from prometheus_client.openmetrics import parser as openmetrics

parser = openmetrics if sys.argv[1] == "open" else classic
families = list(parser.text_string_to_metric_families(sys.stdin.read()))
assert len({family.name for family in families}) == len(families), "a family twice"
json.dump({family.name: {"type": family.type, "unit": family.unit, "help": family.documentation,
                         "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples]}
           for family in families}, sys.stdout)
