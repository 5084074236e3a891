"""Settings: read by their declaration, refused by name."""

import unittest
from dataclasses import dataclass, field
from typing import Dict, List, Literal, Optional

from millstream import Duration, NoSettings, Refusal
from millstream.settings import parse


@dataclass
class Limits:
    rate: float
    burst: Optional[int] = None


@dataclass
class Settings:
    mask: str = "*"
    wait: Duration = Duration(3_000_000_000)
    action: Literal["keep", "drop"] = "keep"
    sizes: List[int] = field(default_factory=list)
    values: Dict[str, str] = field(default_factory=dict)
    limits: Optional[Limits] = None
    on: bool = False


class ReadingSettings(unittest.TestCase):
    def test_what_is_not_given_takes_its_default(self):
        for text in ("{}", "null", "", " "):
            self.assertEqual(parse(Settings, text), Settings())

    def test_every_kind_is_read(self):
        text = '{"mask":"#","wait":"1m1.5s","action":"drop","sizes":[1],"values":{"a":"b"},"limits":{"rate":1},"on":true}'
        expected = Settings("#", Duration(61_500_000_000), "drop", [1], {"a": "b"}, Limits(1.0), True)
        self.assertEqual(parse(Settings, text), expected)

    def test_refusals_name_the_setting(self):
        for text, says in {
            '{"maks":1}': "unknown setting `maks`: expected one of `mask`, `wait`",
            '{"limits":{"rat":1}}': "unknown setting `limits.rat`",
            '{"limits":{}}': "missing setting `limits.rate`",
            '{"mask":1}': "setting `mask`: got the number 1, expected a text",
            '{"mask":null}': "setting `mask`: got nothing",
            '{"wait":"3 s"}': 'setting `wait`: got the text "3 s", expected a duration',
            '{"wait":3}': "setting `wait`: got the number 3, expected a duration",
            '{"action":"x"}': "expected one of `keep`, `drop`",
            '{"sizes":[1,true]}': "setting `sizes[1]`: got true, expected a whole number",
            '{"values":{"a":true}}': "setting `values.a`: got true",
            '{"on":1}': "setting `on`: got the number 1, expected true or false",
            "[]": "expected a mapping",
            "{": "no JSON",
        }.items():
            with self.subTest(text), self.assertRaises(Refusal) as refusal:
                parse(Settings, text)
            self.assertIn(says, str(refusal.exception))
        with self.assertRaisesRegex(Refusal, "there are no settings"):
            parse(NoSettings, '{"a":1}')

    def test_durations_are_those_of_go(self):
        for text, nanoseconds in {"0": 0, "1h": 3600 * 10**9, "-1.5ms": -1_500_000, ".5s": 5 * 10**8, "1.s": 10**9}.items():
            self.assertEqual(Duration.parse(text), nanoseconds, text)
        for text in ("", "1", "s", ".s", "1s ", "1d"):
            with self.subTest(text), self.assertRaises(ValueError):
                Duration.parse(text)
