"""What goes with the sample task of features/tasks."""

from infra.init.part import Part

DEMO = Part(
    name="demo",
    says="POST /tasks/task and its sample job; GET /tasks/task/{id} stays, for jobs of yours",
    paths=(
        "features/tasks/tests/test_tasks.py",
        "features/tasks/tests/test_limits_without_redis.py",
    ),
    takes=("tiers", "bench", "drills"),
    cuts={
        "features/tasks/tasks.py": ("SECONDS", "Sample", "sample_background_task"),
        "features/tasks/router.py": ("write_task",),
        "features/tasks/models.py": ("TaskQueued",),
    },
    rows={
        "features/tasks/tests/access.txt": ("POST /api/v1/tasks/task ",),
        "features/tasks/tests/statements.txt": ("POST /api/v1/tasks/task ",),
    },
    edits={
        "features/tasks/tasks.py": (
            (
                '"""The sample task of POST /tasks/task, and the purge of old jobs."""',
                '"""The purge of old jobs."""',
            ),
            ("functions = [sample_background_task, purge_jobs]", "functions = [purge_jobs]"),
        ),
        "features/tasks/router.py": (("    TaskQueued,\n", ""),),
        "infra/tests/test_valkey_rights.py": (
            (
                """\
    queued = [
        await person.post("/api/v1/tasks/task", params={"message": "hello"}) for _ in range(11)
    ]
    assert [answer.status_code for answer in queued] == [201] * 10 + [429]
""",
                "",
            ),
            (
                """\
    path = f"/api/v1/tasks/task/{queued[0].json()['id']}"
    assert (await person.get(path)).json()["status"] == "complete"
""",
                """\
    assert (await person.get("/api/v1/tasks/task/none")).status_code == 404
""",
            ),
            ('"tasks.sample_background_task", message="hello"', '"tasks.purge_jobs"'),
        ),
    },
)
