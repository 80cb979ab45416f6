"""Subscribers that are late, asleep or cut off see the present totals in the end, and never an older version after a
newer one."""

import signal

import harness
from harness import Case, Daemon, Rows, wait_until

REGION = 330000


class Subscriber(Case):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self)
        self.daemon.start()

    def push(self, rows, node="zhejiang"):
        self.daemon.tally("push", "--node", node, rows.write(self.path("sheet.csv")))

    def assert_versions_grow(self, watch):
        newest = {}
        for line in watch.lines():
            self.assertGreaterEqual(line["version"], newest.get(line["region"], 0), line)
            newest[line["region"]] = line["version"]

    def test_one_that_comes_late_gets_the_present_totals(self):
        rows = Rows(5000)
        self.push(rows)
        late = self.daemon.watch()
        late.wait_for(rows.totals())
        late.wait_for(rows.totals(), REGION)

    def test_one_that_comes_after_a_restart_gets_the_present_totals(self):
        rows = Rows(5000)
        self.push(rows)
        self.daemon.kill()
        self.daemon.start()
        self.daemon.watch().wait_for(rows.totals())

    def test_a_prefix_brings_its_regions_and_no_others(self):
        self.push(Rows(200, ("31",), seed=2), "shanghai")
        rows = Rows(2000)
        self.push(rows)
        watch = self.daemon.watch("--region", "3301")
        watch.wait_for(rows.totals("3301"), 330100)
        watch.wait_for(rows.totals("330106"), 330106)
        self.assertTrue(all(line["region"].startswith("3301") for line in watch.lines()), watch.lines())

    def test_one_that_sleeps_heals(self):
        awake = self.daemon.watch()
        asleep = self.daemon.watch()
        self.push(Rows(100, seed=9))
        wait_until(asleep.latest, "the subscriber hears")
        asleep.process.send_signal(signal.SIGSTOP)
        # Many versions, so that what queues up for the sleeper overflows.
        rows = Rows(0)
        for seed in range(10, 40):
            more = Rows(3000, seed=seed)
            self.push(more)
            rows.rows += more.rows
        rows.rows += Rows(100, seed=9).rows
        awake.wait_for(rows.totals())
        self.assertNotEqual(asleep.latest(), rows.totals())
        asleep.process.send_signal(signal.SIGCONT)
        asleep.wait_for(rows.totals())
        asleep.wait_for(rows.totals("33"), REGION)
        self.assert_versions_grow(asleep)
        self.assert_versions_grow(awake)

    def test_a_sleeping_subscriber_holds_nobody_up(self):
        asleep = self.daemon.watch()
        rows = Rows(1000)
        self.push(rows)
        asleep.wait_for(rows.totals())
        asleep.process.send_signal(signal.SIGSTOP)
        more = Rows(100000, seed=2)
        self.push(more)
        rows.rows += more.rows
        self.daemon.watch().wait_for(rows.totals())
        self.daemon.end(seconds=20)

    def test_one_that_saw_the_daemon_die_heals(self):
        watch = self.daemon.watch()
        first = Rows(1000)
        self.push(first)
        watch.wait_for(first.totals())
        self.daemon.kill()
        wait_until(lambda: "stale" in harness.read_text(watch.process.err), "the subscriber tells that it is stale")
        self.daemon.start()
        second = Rows(1000, seed=2)
        self.push(second)
        first.rows += second.rows
        watch.wait_for(first.totals())
        self.assert_versions_grow(watch)

    def test_one_that_came_before_the_daemon_hears_it(self):
        rows = Rows(1000)
        self.push(rows)
        self.daemon.kill()
        early = self.daemon.watch("--competition", harness.KEY)
        self.daemon.start()
        early.wait_for(rows.totals())

    def test_sums_of_what_is_published_agree(self):
        watch = self.daemon.watch()
        provinces = {310000: "shanghai", 330000: "zhejiang", 340000: "anhui"}
        for region, node in provinces.items():
            self.push(Rows(3000, (str(region)[:2],), prefix=node[0].upper()), node)
        watch.wait_for(self.daemon.totals())
        for region in provinces:
            watch.wait_for(self.daemon.totals(region), region)
        parts = [watch.latest(region) for region in provinces]
        self.assertEqual(harness.Totals(*map(sum, zip(*parts))), watch.latest())


if __name__ == "__main__":
    harness.main()
