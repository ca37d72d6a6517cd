"""A year of the audit log, counted by the words of deploy/docs/figures.md alone, with nothing but the standard library: the segments of
the log and their chain, the days of the Netherlands, people by their pseudonyms. Nothing here is shared with the program."""

import base64
import csv
import datetime
import hashlib
import hmac
import json
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

CHANNELS = {"medmij_consent": "pgo", "lasting_consent": "pgo", "portal_assertion": "portal", "smart": "portal"}
HOUR = datetime.timedelta(hours=1)


def segments(folder):
    """The file of each segment in order: one that is there in both forms once."""
    found = {}
    for path in sorted(Path(folder).glob("segment-*.log*"), reverse=True):
        found[path.name.partition(".")[0]] = path
    return [found[name] for name in sorted(found)]


def records(folder):
    """Each record of the log with its index, its chain checked."""
    index, chain = 0, None
    for path in segments(folder):
        # Old segments are compressed by the node; the standard library has no zstd before Python 3.14.
        packed = path.suffix == ".zst"
        data = subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout if packed else path.read_bytes()
        head = data.index(b"\n") + 1
        magic, version, log, first, start = data[: head - 1].decode().split(" ")
        if (magic, version, int(first)) != ("inzage-audit-segment", "2", index):
            raise ValueError(f"{path.name} is no segment that goes on at {index}")
        if chain is None:
            chain = hashlib.sha256(f"inzage-audit-log 2 {log}\n".encode()).digest()
        if bytes.fromhex(start) != chain:
            raise ValueError(f"{path.name} does not follow the segment before it")
        at = head
        while at < len(data):
            length = int.from_bytes(data[at : at + 4], "little")
            payload = data[at + 4 : at + 4 + length]
            leaf = hashlib.sha256(b"\0" + payload).digest()
            chain = hashlib.sha256(b"\2" + chain + leaf).digest()
            at += 4 + length + 32
            if data[at - 32 : at] != chain:
                raise ValueError(f"record {index} breaks the chain")
            yield index, json.loads(payload)
            index += 1


def summer(year):
    """From when until when the Netherlands has summer time, in UTC."""
    last = lambda month: max(
        day for day in (datetime.date(year, month, number) for number in range(25, 32)) if day.weekday() == 6
    )
    return [datetime.datetime.combine(last(month), datetime.time(1)) for month in (3, 10)]


class Days:
    """The day in the Netherlands of a moment of the log."""

    def __init__(self):
        self.known = {}

    def of(self, time):
        hour = time[:13]
        day = self.known.get(hour)
        if day is None:
            moment = datetime.datetime.fromisoformat(hour + ":00:00")
            begins, ends = summer(moment.year)
            day = (moment + HOUR * (2 if begins <= moment < ends else 1)).date()
            self.known[hour] = day
        return day


def seconds(time):
    return datetime.datetime.fromisoformat(time.removesuffix("Z")).timestamp()


def month_of(day):
    return f"{day.year:04}-{day.month:02}"


def quarter_of(month):
    year, number = month.split("-")
    return f"{year}-Q{(int(number) + 2) // 3}"


def periods_of(month):
    return month, quarter_of(month), month[:4]


def last_day(period):
    """The last day of a month, a quarter or a year."""
    if "Q" in period:
        year, quarter = period.split("-Q")
        return last_day(f"{year}-{3 * int(quarter):02}")
    if len(period) == 4:
        return datetime.date(int(period), 12, 31)
    year, month = map(int, period.split("-"))
    after = datetime.date(year + month // 12, month % 12 + 1, 1)
    return after - datetime.timedelta(days=1)


def people(folder):
    """Who has which pseudonym: the people of the simulation under the pseudonym key of each year."""
    folder = Path(folder)
    keys = {path.name.split(".")[0]: base64.b64decode(path.read_text()) for path in (folder / "audit-keys").glob("*.pseudonym")}
    with open(folder / "programme-people.csv", newline="") as file:
        numbers = [row["bsn"] for row in csv.DictReader(file)]
    years = sorted(keys)[:2]
    known = {}
    for number, bsn in enumerate(numbers):
        for year in years:
            known[f"{year}:{hmac.new(keys[year], bsn.encode(), hashlib.sha256).hexdigest()}"] = number
    return known


class Year:
    """Everything that the figures are made of, by practice and month."""

    def __init__(self, folder):
        known, days = people(folder), Days()
        # practice, month -> person -> (days, {(channel, service)})
        self.seen = defaultdict(lambda: defaultdict(lambda: (set(), set())))
        self.requests = defaultdict(Counter)
        self.waiting = defaultdict(list)
        self.first_pgo, self.unknown, self.count = {}, 0, 0
        self.kinds = Counter()
        begun = {}
        for index, record in records(Path(folder) / "gateway/audit"):
            self.count = index + 1
            kind, outcome = record["kind"], record["outcome"]
            self.kinds[kind] += 1
            if kind == "disclosure_intent":
                begun[index] = record["time"]
            if kind not in ("disclosure_outcome", "resource_refused"):
                continue
            channel = CHANNELS.get(record["authorization"]) if "authorization" in record else "unknown"
            if channel is None:
                continue
            day, provider, service = days.of(record["time"]), record.get("provider"), record.get("service")
            at = provider, month_of(day)
            ending = {"done": "succeeded", "aborted": "aborted"}.get(outcome, "failed")
            self.requests[at][channel, service, ending] += 1
            began = begun.pop(record["intent"], None) if "intent" in record else None
            if kind != "disclosure_outcome" or outcome != "done":
                continue
            if began is not None:
                self.waiting[at].append(seconds(record["time"]) - seconds(began))
            if "subject" not in record:
                continue
            person = known.get(record["subject"])
            if person is None:
                self.unknown += 1
                person = record["subject"]
            looked, views = self.seen[at][person]
            looked.add(day)
            views.add((channel, service))
            if channel == "pgo":
                self.first_pgo.setdefault(provider, day)
        self.months = sorted({month for _, month in [*self.seen, *self.requests]})



class Register:
    """What the register says, and the ZAL over the year."""

    def __init__(self, entries, stays, today):
        self.practices = {one["provider"]: one for one in entries.get("practice", [])}
        self.coalitions = [one["id"] for one in entries.get("coalition", [])]
        self.suppliers = [one["id"] for one in entries.get("supplier", [])]
        self.stays, self.today = stays, today

    def in_scope(self, scope, period):
        """The practices of a scope in a period."""
        day = min(last_day(period), self.today)
        kind, _, name = scope.partition(":")
        if kind == "whole":
            return list(self.practices)
        if kind == "practice":
            return [name]
        if kind == "supplier":
            return [one for one, entry in self.practices.items() if entry["system"]["supplier"] == name]
        covers = lambda one: one["coalition"] == name and one["from"] <= str(day) and str(day) <= one.get("until", "9999")
        return [one for one, entry in self.practices.items() if any(map(covers, entry.get("memberships", [])))]

    def listed_since(self, provider, period):
        """Since when the ZAL named a practice at the end of a period; None when it did not."""
        day = str(min(last_day(period), self.today))
        for begins, ends in self.stays.get(provider, []):
            if begins <= day and (not ends or day <= ends):
                return begins
        return None


def stays(path):
    all_of = defaultdict(list)
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            all_of[row["provider"]].append((row["from"], row["until"]))
    return all_of


def months_in(period, months):
    return [month for month in months if period in periods_of(month)]


def figures(year, register, scope, period):
    """The figures of a scope in a period, each counted one by one."""
    practices = register.in_scope(scope, period)
    months = months_in(period, year.months)
    everybody, by_channel, by_service, repeat = set(), defaultdict(set), defaultdict(set), set()
    with_viewer, with_viewer_by = 0, Counter()
    requests, waiting = Counter(), []
    days = defaultdict(lambda: defaultdict(set))
    for practice in practices:
        looked, ways = False, set()
        for month in months:
            for person, (on, views) in year.seen.get((practice, month), {}).items():
                looked = True
                everybody.add(person)
                days[month][person] |= on
                for channel, service in views:
                    ways.add(channel)
                    by_channel[channel].add(person)
                    by_service[service].add(person)
            requests.update(year.requests.get((practice, month), {}))
            waiting.extend(year.waiting.get((practice, month), ()))
        with_viewer += looked
        with_viewer_by.update(ways)
    for month in days.values():
        repeat.update(person for person, on in month.items() if len(on) > 1)
    if scope == "whole":
        for month in months:
            requests.update(year.requests.get((None, month), {}))
    since = [register.listed_since(practice, period) for practice in practices]
    first = [year.first_pgo.get(practice) for practice in practices]
    return {
        "practices": len(practices),
        "on_zal": sum(one is not None for one in since),
        "on_zal_since": since[0] if since else None,
        "enrolled_16": sum(register.practices[one]["patients_16"] for one in practices if one in register.practices),
        "viewers": len(everybody),
        "repeat": len(repeat),
        "by_channel": {channel: len(by_channel[channel]) for channel in ("pgo", "portal")},
        "by_service": {service: len(those) for service, those in by_service.items()},
        "practices_with_viewer": with_viewer,
        "practices_with_viewer_by_channel": {channel: with_viewer_by[channel] for channel in ("pgo", "portal")},
        "first_retrievals": sum(one is not None and period in periods_of(month_of(one)) for one in first),
        "requests": requests,
        "waiting": sorted(waiting),
    }
