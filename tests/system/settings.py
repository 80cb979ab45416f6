"""Settings that change between two runs on the same data directory."""

import signal

import harness
from harness import Daemon, LoadCase, Rows

CONFIG = 78


class Settings(LoadCase):
    ROWS = 120000

    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self, settings={"projects-max": 150000})
        self.daemon.start()

    def restart(self, **settings):
        self.daemon.end()
        self.daemon.settings.update({name.replace("_", "-"): value for name, value in settings.items()})
        self.daemon.write_config()

    def refused_start(self):
        self.daemon.spawn()
        self.finish(self.daemon.process, CONFIG)
        return self.daemon.log()

    def test_what_decided_rows_cannot_change(self):
        self.daemon.tally("push", "--node", "zhejiang", Rows(100).write(self.path("few.csv")))
        for other in (50, 150001):
            self.restart(projects_max=other)
            self.assertIn("projects-max was 150000", self.refused_start())
            self.daemon.settings["projects-max"] = 150000
            self.daemon.write_config()
            self.daemon.start()
            self.assertEqual(self.daemon.record("status")["state"]["projects"], 100)
            self.daemon.verify()

    def test_smaller_segments_are_taken_up(self):
        self.daemon.tally("push", "--node", "zhejiang", self.sheet)
        self.restart(segment_size_mib=1)
        self.daemon.start()
        more = Rows(20000, ("31",), prefix="S")
        for _ in range(2):
            self.daemon.tally("push", "--node", "shanghai", "--timeout", "60", more.write(self.path("more.csv")))
        self.assertIn(" journal-segment-begun ", self.daemon.log())
        self.assertEqual(self.daemon.record("status")["state"]["condition"], "ready")
        self.assertEqual(self.daemon.totals(310000), more.totals())
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.totals(330000), self.rows.totals())
        self.daemon.verify()

    def test_more_slots_and_groups_than_the_map_was_made_for(self):
        self.restart(segment_size_mib=1, group_size_mib=256, batch_slots=1024, window=32)
        self.daemon.start()
        self.daemon.tally("push", "--node", "zhejiang", self.sheet)
        self.assertEqual(self.daemon.totals(), self.rows.totals())
        self.daemon.end(signal.SIGTERM)


if __name__ == "__main__":
    harness.main()
