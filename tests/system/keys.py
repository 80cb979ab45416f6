"""Who may speak: keys are made, asked for, told apart, changed and taken away, on real connections."""

import os
import re
import socket
import stat

import zmq

import harness
from harness import Case, Daemon, Rows, wait_until

ZHEJIANG, JIANGSU = "330106", "320102"


class Keys(Case):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self, nodes={"zhejiang": ["33"], "jiangsu": ["32"]})
        self.daemon_digits = self.keygen("tallyd")
        self.digits = {name: self.keygen(name) for name in ("zhejiang", "jiangsu", "wall", "li-na", "stranger")}
        self.daemon.settings["key-file"] = "tallyd.key"
        self.daemon.keys = {name: [self.digits[name]] for name in ("zhejiang", "jiangsu")}
        self.daemon.sections = (f'dashboard wall {{\n    keys = {{"{self.digits["wall"]}"}}\n}}\n'
                                f'operator li-na {{\n    keys = {{"{self.digits["li-na"]}"}}\n}}\n')
        self.daemon.write_config()

    def key_path(self, name):
        return self.daemon.path(f"{name}.key")

    def keygen(self, name, status=0):
        line = self.daemon.tally("keygen", self.key_path(name), status=status)
        found = re.fullmatch(r'keys = \{"([0-9a-f]{64})"\}\n', line)
        return found.group(1) if found else ""

    def be(self, name, daemon_key=None):
        """From now on the command line has this key; None for none."""
        self.daemon.credentials = {} if name is None else {
            "TALLY_KEY": self.key_path(name), "TALLY_DAEMON_KEY": daemon_key or self.key_path("tallyd") + ".pub"}

    def push(self, node, rows, status=0, key=None, **options):
        self.be(key or node)
        path = rows.write(self.path("sheet.csv"))
        return self.daemon.tally("push", "--node", node, path, status=status, **options)

    def errors(self, name):
        """What the last command said on standard error."""
        path = [path for path in self.logs if f"tally-{name}" in path][-1]
        return harness.read_text(path)

    def counted(self, name):
        counters = self.daemon.record("status")["counters"]
        return next((counter["value"] for counter in counters if counter["counter"] == name), 0)

    def assert_refused(self, command, *arguments, status=77, word="not-allowed"):
        self.daemon.tally(command, *arguments, status=status)
        self.assertIn(word, self.errors(command))


class WhatAKeyMayDo(Keys):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def test_each_role_does_what_it_may_and_no_more(self):
        rows = Rows(50)
        self.push("zhejiang", rows)
        self.push("jiangsu", Rows(20, provinces=("32",), prefix="J"))
        code = rows.rows[0][0]
        self.be("zhejiang")
        self.assertEqual(len(self.daemon.table("projects", "--region", "33")), 50)
        self.assert_refused("projects", "--region", "32")
        self.assert_refused("projects")
        self.assertEqual(self.daemon.record("status")["counters"], [])
        self.assert_refused("verify")
        self.assertEqual([node["node"] for node in self.daemon.record("nodes")], ["zhejiang"])
        self.assertEqual(self.daemon.record("totals")["projects"], (rows.totals().projects +
                         Rows(20, provinces=("32",), prefix="J").totals().projects))
        self.be("jiangsu")
        self.assert_refused("project", code)
        self.be("wall")
        self.assertIn("had enrolled", self.daemon.tally("report", "--lang", "en"))
        self.assertEqual(len(self.daemon.record("nodes")), 2)
        self.assert_refused("projects", "--region", "33")
        self.assert_refused("verify")
        self.be("li-na")
        self.assertEqual(len(self.daemon.table("projects")), 70)
        self.assertIn(code, self.daemon.tally("project", code))
        self.daemon.verify()

    def test_a_key_of_one_node_is_not_a_key_of_another(self):
        rows = Rows(5)
        path = rows.write(self.path("sheet.csv"))
        self.be("jiangsu")
        self.daemon.tally("push", "--node", "zhejiang", "--timeout", "20", path, status=77)
        self.assertIn("key-of-another", self.errors("push"))
        self.be("li-na")
        self.assertEqual(self.daemon.record("totals")["projects"], 0)
        self.assertGreaterEqual(self.counted("refused_key_of_another"), 1)

    def test_strangers_are_turned_away_and_told_so(self):
        self.be("stranger")
        self.assert_refused("totals", word="does not know the key")
        self.be(None)
        self.assert_refused("totals", word="asks for a key")
        self.be("zhejiang", daemon_key=self.digits["stranger"])
        self.daemon.tally("totals", status=69)  # a daemon with another key: nothing is answered
        self.be("stranger")
        path = Rows(5).write(self.path("sheet.csv"))
        self.daemon.tally("push", "--node", "zhejiang", "--timeout", "3", path, status=77)
        self.be("li-na")
        self.assertGreater(self.counted("access_refused"), 0)
        self.assertGreater(self.counted("access_admitted"), 0)
        self.assertEqual(self.daemon.record("totals")["projects"], 0)
        self.assertIn(f"key={self.digits['stranger'][:8]}", self.daemon.log())

    def test_dashboards_and_operators_do_not_report(self):
        path = Rows(5).write(self.path("sheet.csv"))
        for name in ("wall", "li-na"):
            self.be(name)
            self.daemon.tally("push", "--node", "zhejiang", "--timeout", "2", path, status=75)
        self.assertIn("only nodes report", self.daemon.log())

    def test_a_message_without_curve_is_never_heard(self):
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(self.daemon.endpoints["query"])
            dealer.send_multipart([b"T1\x00\x00", b""])
            self.assertEqual(dealer.poll(1000), 0)


class KeysThatChange(Keys):
    def test_a_revoked_node_is_cut_and_what_it_sent_stays(self):
        self.daemon.start()
        rows = Rows(40)
        self.push("zhejiang", rows)
        self.be("wall")
        watch = self.daemon.watch()
        watch.wait_for(rows.totals())
        self.daemon.keys["zhejiang"] = [self.keygen("zhejiang-2")]
        self.daemon.write_config()
        self.daemon.reload("reloaded")
        self.be("zhejiang")
        self.daemon.tally("push", "--node", "zhejiang", "--no-outbox", self.path("sheet.csv"), status=77)
        more = Rows(60)
        self.be("zhejiang-2")
        self.daemon.tally("push", "--node", "zhejiang", more.write(self.path("more.csv")))
        watch.wait_for(more.totals())

    def test_a_session_ends_while_it_reports(self):
        self.daemon.start()
        self.be("zhejiang")
        process = self.daemon.spawn_tally("push", "--node", "zhejiang", "--no-outbox",
                                          Rows(200000).write(self.path("large.csv")))
        wait_until(lambda: self.daemon.journal_bytes() > 1 << 20, "something durable")
        self.daemon.keys["zhejiang"] = []
        del self.daemon.keys["zhejiang"]
        self.daemon.write_config()
        self.daemon.reload("reloaded")
        self.finish(process, 77)
        self.assertIn("not-allowed", harness.read_text(process.err))
        self.be("li-na")
        self.daemon.verify()

    def test_a_revoked_dashboard_hears_nothing_more_and_the_others_do(self):
        self.daemon.sections += f'dashboard hall {{\n    keys = {{"{self.keygen("hall")}"}}\n}}\n'
        self.daemon.write_config()
        self.daemon.start()
        rows = Rows(30)
        self.be("wall")
        wall = self.daemon.watch()
        self.be("hall")
        hall = self.daemon.watch()
        self.push("zhejiang", rows)
        wall.wait_for(rows.totals())
        hall.wait_for(rows.totals())
        self.daemon.sections = self.daemon.sections.replace(self.digits["wall"], self.keygen("wall-2"))
        self.daemon.write_config()
        self.daemon.reload("reloaded")
        more = Rows(45)
        self.push("zhejiang", more)
        hall.wait_for(more.totals())
        self.assertEqual(wall.latest(), rows.totals())
        self.assertIn("subscribers-cut", self.daemon.log())

    def test_two_keys_while_one_replaces_the_other(self):
        self.daemon.keys["zhejiang"].append(self.keygen("zhejiang-2"))
        self.daemon.write_config()
        self.daemon.start()
        self.push("zhejiang", Rows(10))
        self.push("zhejiang", Rows(20), key="zhejiang-2")
        self.be("li-na")
        self.assertEqual(self.daemon.totals(), Rows(20).totals())


class HowKeysAreKept(Keys):
    def test_files_are_made_safely_and_never_written_over(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.key_path("wall")).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.key_path("wall") + ".pub").st_mode), 0o644)
        public = harness.read_text(self.key_path("wall") + ".pub")
        self.assertIn(self.digits["wall"], public)
        self.assertNotIn("secret-key", public)
        before = harness.read_text(self.key_path("wall"))
        self.keygen("wall", status=73)
        self.assertEqual(harness.read_text(self.key_path("wall")), before)
        os.unlink(self.key_path("wall") + ".pub")
        self.keygen("wall", status=73)
        self.assertFalse(os.path.exists(self.key_path("wall") + ".pub"))

    def test_a_secret_that_others_may_read_is_refused(self):
        os.chmod(self.key_path("tallyd"), 0o640)
        self.daemon.spawn()
        self.finish(self.daemon.process, 78)
        self.assertIn("others may read", self.daemon.log())
        os.chmod(self.key_path("tallyd"), 0o600)
        self.daemon.start()
        os.chmod(self.key_path("wall"), 0o604)
        self.be("wall")
        self.daemon.tally("totals", status=64)
        self.assertIn("others may read", self.errors("totals"))

    def test_without_keys_only_this_machine_is_served(self):
        del self.daemon.settings["key-file"]
        self.daemon.keys, self.daemon.sections = {}, ""
        port = self.daemon.endpoints["ingest"].rsplit(":", 1)[1]
        self.daemon.endpoints["ingest"] = f"tcp://0.0.0.0:{port}"
        self.daemon.write_config()
        self.daemon.spawn()
        self.finish(self.daemon.process, 78)
        self.assertIn("without keys only this machine may connect", self.daemon.log())
        self.daemon.settings["let-anyone-speak-for-any-node-without-a-key"] = "true"
        self.daemon.write_config()
        self.daemon.start()
        wait_until(lambda: " open-to-all " in self.daemon.log(), "a warning")

    def test_with_keys_every_address_is_served(self):
        port = self.daemon.endpoints["ingest"].rsplit(":", 1)[1]
        self.daemon.endpoints["ingest"] = f"tcp://*:{port}"
        self.daemon.write_config()
        self.daemon.start()
        with socket.create_connection(("127.0.0.1", int(port)), timeout=harness.SECONDS) as connection:
            self.assertEqual(connection.recv(1), b"\xff")  # the greeting of ZMTP

    def test_what_is_wrong_with_keys_is_told_with_its_line(self):
        wrong = {
            'keys = {"abc"}': "is not a key",
            f'keys = {{"{self.digits["zhejiang"]}"}}': "stands there twice",
            f'keys = {{"{self.daemon_digits}"}}': "the daemon's own key",
            "": "keys is missing",
        }
        for keys, words in wrong.items():
            self.daemon.write_config(f"operator other {{\n    {keys}\n}}\n")
            self.daemon.spawn()
            self.finish(self.daemon.process, 78)
            self.assertIn(words, self.daemon.log())
            self.assertRegex(self.daemon.log(), r"tallyd\.conf")


if __name__ == "__main__":
    harness.main()
