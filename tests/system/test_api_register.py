"""`/v1/register`, `/v1/radio` and `/v1/reports/baseline`: who may, edits that do not run over each other, honest figures."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from fairlead.engine.ports.journal import Filter

from .conftest import NOW, Api

RECORD = {
    "kind": "reseller", "upstream": ["core-1"], "breakout": ["DE"], "local_imsis": [], "plans": ["iot-10"],
    "fees": [{"name": "activation", "amount": "1.50", "currency": "EUR", "per": "SIM"}], "contacts": "the help desk",
    "source": "questionnaire", "as_of": "2026-02-01",
    "contracts": [{"number": "C-1", "starts_on": "2024-04-01", "ends_on": "2026-05-30", "notice_days": 60,
                   "committed_sims": 50}],
}  # fmt: skip


async def account(api: Api, name: str) -> None:
    made = await api.client("owner").post("/v1/carriers", json={"name": name, "carrier": name.title()})
    assert made.status_code == 201, made.text


async def take(api: Api, kind: str, text: str, **query: str) -> dict:
    answer = await api.client("owner").post(
        "/v1/imports", params={"kind": kind, **query}, content=text, headers={"content-type": "text/csv"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_record_is_kept_whole_at_the_version_that_was_read(api):
    await account(api, "meridian")
    client = api.client("owner")
    nothing = await client.get("/v1/carriers/meridian/register")
    assert (nothing.headers["etag"], nothing.json()["kind"]) == ('"0"', None)
    assert len(nothing.json()["unanswered"]) == 9
    assert (await client.put("/v1/carriers/meridian/register", json=RECORD)).status_code == 428
    kept = await client.put("/v1/carriers/meridian/register", json=RECORD, headers={"if-match": '"0"'})
    assert kept.status_code == 200, kept.text
    shown = kept.json()
    assert shown["unanswered"] == ["coverage"]
    assert shown["local_imsis"] == [], "none is an answer"
    (contract,) = shown["contracts"]
    assert (contract["state"], contract["days_left"], contract["notice_by"]) == ("notice_due", 90, "2026-03-31")
    assert (await client.get("/v1/register")).json() == [shown]
    late = await client.put("/v1/carriers/meridian/register", json={}, headers={"if-match": '"0"'})
    assert (late.status_code, late.headers["etag"]) == (412, '"1"')
    emptied = await client.put("/v1/carriers/meridian/register", json={}, headers={"if-match": '"1"'})
    assert (emptied.json()["contracts"], emptied.json()["kind"], emptied.headers["etag"]) == ([], None, '"2"')
    stale = await client.put("/v1/carriers/meridian/register", json=RECORD, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    lines = await api.journal.page(api.tenant, Filter(subject_kind="carrier"), below=None, limit=10)
    assert [kept.line.action.value for kept in lines].count("register.changed") == 2


async def test_a_coverage_list_is_replaced_whole_and_counts_as_the_records_version(api):
    await account(api, "meridian")
    client, path = api.client("owner"), "/v1/carriers/meridian/coverage"
    one = {"country": "PL", "rat": "LTE-M", "source": "list 7", "as_of": "2026-01-01"}
    done = await client.put(path, json={"items": [one]}, headers={"if-match": '"0"'})
    assert (done.status_code, done.headers["etag"], done.json()["items"]) == (200, '"1"', [one])
    assert (await client.put(path, json={"items": []}, headers={"if-match": '"0"'})).status_code == 412
    record = (await client.get("/v1/carriers/meridian/register")).json()
    assert (record["countries_covered"], record["version"]) == (1, 1)
    twice = await client.put(path, json={"items": [one, one]}, headers={"if-match": '"1"'})
    assert twice.json()["errors"][0]["pointer"] == "/items/1"
    wrong = await client.put(path, json={"items": [one | {"country": "XX"}]}, headers={"if-match": '"1"'})
    assert wrong.json()["errors"][0]["pointer"] == "/items/0/country"
    assert (await client.put(path, json={"items": []}, headers={"if-match": '"1"'})).json()["items"] == []


async def test_bad_records_are_named(api):
    await account(api, "meridian")
    for body, pointer in (
        ({"kind": "mvno"}, "/kind"), ({"breakout": ["XX"]}, "/breakout/0"), ({"upstream": ["a\u0001"]}, "/upstream/0"),
        ({"fees": [RECORD["fees"][0] | {"currency": "EUX"}]}, "/fees/0/currency"),
        ({"fees": [RECORD["fees"][0] | {"amount": "1,5"}]}, "/fees/0/amount"),
        ({"contracts": [{"number": "C", "starts_on": "2026-02-01", "ends_on": "2026-01-01"}]}, "/contracts/0"),
        ({"contracts": [{"number": "C"}, {"number": "C"}]}, "/contracts"), ({"colour": "red"}, "/colour"),
    ):  # fmt: skip
        answer = await api.client("owner").put("/v1/carriers/meridian/register", json=body, headers={"if-match": '"0"'})
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["pointer"] == pointer, answer.text
    missing = await api.client("owner").get("/v1/carriers/nobody/register")
    assert missing.status_code == 404


async def test_who_may(api):
    await account(api, "meridian")
    for role in ("technician", "vendor", "operator@north"):
        assert (await api.client(role).get("/v1/register")).status_code == 403, role
        assert (await api.client(role).get("/v1/reports/baseline")).status_code == 403, role
    assert (await api.client("finance").get("/v1/reports/baseline")).status_code == 200
    assert (await api.client("compliance").get("/v1/reports/baseline")).status_code == 403, "it tells costs"
    refused = await api.client("operator").put(
        "/v1/carriers/meridian/register", json=RECORD, headers={"if-match": '"0"'}
    )
    assert refused.status_code == 403
    assert (await api.client("owner~other").get("/v1/register")).json() == []


async def test_radios_and_ends_of_networks(api):
    client = api.client("owner")
    made = await client.put("/v1/radio/skus/TRK-1", json={"rats": ["NB-IoT", "LTE-M"], "bands": ["B20"]})
    assert (made.status_code, made.json()["rats"], made.headers["etag"]) == (200, ["LTE-M", "NB-IoT"], '"1"')
    assert (await client.put("/v1/radio/skus/TRK-1", json={"rats": ["2G"]})).status_code == 428
    again = await client.put("/v1/radio/skus/TRK-1", json={"rats": ["2G"]}, headers={"if-match": '"1"'})
    assert again.json()["rats"] == ["2G"]
    assert (await client.put("/v1/radio/skus/TRK-2", json={"rats": []})).status_code == 422
    assert [one["sku"] for one in (await api.client("vendor").get("/v1/radio/skus")).json()] == ["TRK-1"]
    before = (await client.get("/v1/radio/sunsets")).json()
    assert "Not legal advice" in before["notice"]
    assert ("AU", "2G", False) in {(one["country"], one["rat"], one["own"]) for one in before["items"]}
    head = "country,rat,off_on,confidence,source,as_of\n"
    await take(api, "sunsets", head + "AU,2G,2017-01-01,high,our reading,2026-01-01\n")
    after = (await client.get("/v1/radio/sunsets")).json()["items"]
    assert [one["off_on"] for one in after if (one["country"], one["rat"]) == ("AU", "2G")] == ["2017-01-01"]
    assert len(after) == len(before["items"])


async def test_every_finding_lists_its_members(api):
    """Each exact link gives as many as the finding says; each figure has its source and its share unknown."""
    for name in ("meridian", "sabia"):
        await account(api, name)
    await take(api, "devices", "name,sku\n" + "".join(f"d{n},{'OLD' if n < 3 else 'TRK'}\n" for n in range(8)))
    sims = "".join(f"894400000000000{n:03}0,d{n},{'sabia' if n > 5 else 'meridian'},active,iot\n" for n in range(8))
    given = await api.client("owner").post(
        "/v1/imports", params={"kind": "sims", "partial": "true"}, content="iccid,device,account,state,plan\n" + fixed(sims),
        headers={"content-type": "text/csv"},
    )  # fmt: skip
    assert given.status_code == 200, given.text
    now = NOW
    use = "".join(
        f"{line.split(',')[0]},{'AU' if n < 3 else 'PL'},{(now - timedelta(days=d, hours=2)).isoformat()},"
        f"{(now - timedelta(days=d)).isoformat()},1 MB\n"
        for n, line in enumerate(fixed(sims).splitlines()) for d in ((59, 1) if n != 4 else (59,))
    )  # fmt: skip
    await take(api, "sessions", "iccid,country,first,last,bytes\n" + use)
    await take(api, "prices", "plan,currency,monthly,valid_from,included\niot,EUR,2,2026-01-01,10 MB\n")
    await take(api, "skus", "sku,rats\nOLD,2G 3G\n")
    await take(api, "coverage", "account,country,rats,source,as_of\nmeridian,PL,LTE-M,list,2026-01-01\n")
    await take(api, "contracts", "account,number,end,notice_days\nmeridian,C-1,2026-04-30,30\n")
    client = api.client("owner")
    report = (await client.get("/v1/reports/baseline")).json()
    assert [one["key"] for one in report["sections"]] == [
        "unused_data", "silent_sims", "redundant_carriers", "coverage_gaps", "stranded", "contracts", "breaches",
    ]  # fmt: skip
    codes = {}
    for section in report["sections"]:
        for figure in section["figures"]:
            assert figure["source"], section["key"]
            assert figure["unknown"] <= figure["of"], (section["key"], figure)
        for found in section["findings"]:
            codes[found["code"]] = codes.get(found["code"], 0) + found["members"]
            link = urlsplit(found["link"]["api"])
            listed = (await client.get(link.path, params=dict(parse_qsl(link.query)) | {"limit": "200"})).json()
            if found["link"]["exact"] and "items" in listed:
                assert len(listed["items"]) == found["members"], found
    assert codes == {
        "unused-data": 8, "silent": 1, "several-carriers": 5, "no-coverage": 3, "stranded": 3, "radio-unknown": 5,
        "contract-notice-due": 1,
    }  # fmt: skip


def fixed(sims: str) -> str:
    """The same rows with ICCIDs whose check digit is right."""
    from fairlead.model.identifiers import luhn_digit

    rows = [line.split(",", 1) for line in sims.splitlines()]
    return "".join(f"{number[:18]}{luhn_digit(number[:18])},{rest}\n" for number, rest in rows)


MAPPING = "source: borealis\naccount: meridian\nfiles:\n  sims:\n    columns: {iccid: SIM-Nummer}\n"


async def test_a_mapping_is_kept_by_source_and_read_by_imports(api):
    await account(api, "meridian")
    client, path = api.client("operator"), "/v1/imports/mappings/borealis"
    wrong = await client.put(path, json={"text": MAPPING.replace("iccid", "icid")})
    assert (wrong.status_code, wrong.json()["errors"][0]["line"]) == (422, 5)
    other = await client.put("/v1/imports/mappings/other", json={"text": MAPPING})
    assert other.json()["errors"][0]["column"] == "source"
    assert (await client.get("/v1/imports/mappings")).json() == []
    assert (await client.put(path, json={"text": MAPPING})).headers["etag"] == '"1"'
    assert (await client.put(path, json={"text": MAPPING})).status_code == 428
    again = await client.put(path, json={"text": MAPPING + "# more\n"}, headers={"if-match": '"1"'})
    assert again.json()["version"] == 2
    report = await take(
        api, "sims", "SIM-Nummer;Farbe\n" + fixed("8944000000000000003,").replace(",", ";rot"), source="borealis"
    )
    assert (report["created"], report["ignored_columns"]) == (1, ["Farbe"])
    for query, pointer in (
        ({"kind": "sims", "source": "nobody"}, "source"),
        ({"kind": "prices", "source": "borealis"}, None),
    ):
        refused = await client.post("/v1/imports", params=query, content="a\n", headers={"content-type": "text/csv"})
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0].get("pointer") == pointer
    assert (await api.client("owner~other").get(path)).status_code == 404
    assert (await api.client("vendor").get(path)).status_code == 403
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404


async def test_multi_imsi_cards_are_a_filter_and_a_count(api):
    await account(api, "meridian")
    rows = "8944000000000000003,true\n8944000000000000011,false\n8944000000000000029,true\n"
    await take(api, "sims", "iccid,multi_imsi\n" + fixed(rows), account="meridian")
    client = api.client("owner")
    found = (await client.get("/v1/subscriptions?multi_imsi=true")).json()["items"]
    assert [one["multi_imsi"] for one in found] == [True, True]
    counts = (await client.get("/v1/subscriptions/counts")).json()["by"]
    assert {one["value"]: one["subscriptions"] for one in counts["multi_imsi"]} == {"true": 2, "false": 1}
    refused = await client.get("/v1/subscriptions?device=x&silence=silent")
    assert refused.status_code == 422
