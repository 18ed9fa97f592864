"""The audit log on the admin site."""

from features.audit.tests.test_acts import entries
from kernel.resources import Resources
from tests.accounts import Person
from tests.admin_site import Browser


async def test_what_is_written_on_the_site_leaves_an_entry(
    site: Browser, superuser: Person, user: Person, resources: Resources
) -> None:
    before = len(await entries(resources))

    saved = await site.submit(f"/admin/user/edit/{user.id}", name="Ada King")

    assert saved.status_code == 303
    [entry] = (await entries(resources))[before:]
    assert (entry.actor_id, entry.subject_id) == (superuser.id, str(user.id))
    assert set(entry.changes) == {"name", "version"}
    assert entry.request_id == saved.headers["X-Request-ID"]


async def test_entries_are_read_there_and_not_written(
    site: Browser, superuser: Person, user: Person, resources: Resources
) -> None:
    await superuser.patch("/api/v1/user/user1/role", json={"is_superuser": True})
    entry = (await entries(resources))[-1]

    listed = await site.get("/admin/audit-entry/list?act=update")
    shown = await site.get(f"/admin/audit-entry/details/{entry.id}")
    refused = [
        await site.get("/admin/audit-entry/create"),
        await site.get(f"/admin/audit-entry/edit/{entry.id}"),
        await site.act("audit-entry", "delete", entry.id),
    ]

    assert f"/admin/audit-entry/details/{entry.id}" in listed.text
    assert "is_superuser" in shown.text
    assert [one.status_code for one in refused] == [404, 404, 404]
