"""A spreadsheet as people save it: GBK, some rows wrong. The good rows count, the others come back to be corrected."""

import csv

import harness
from harness import Case, Daemon, Rows, read_text

# What is wrong, as changes of one good row: column, value, words of the reason (in Chinese, as the header is).
DAMAGE = {
    3: (0, "2.10133E+17", "科学计数法"),
    7: (5, "1,250.00", "千位分隔符"),
    11: (2, "990101", "990101"),
    12: (2, "310101", "region-not-yours"),
    17: (4, "已取消", "已取消"),
    23: (5, "-5", "负数"),
    29: (7, "2001", "农民工"),
    31: (11, "2021-02-30", "2021-02-30"),
    37: (0, "", "项目代码"),
}


class Push(Case):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self)
        self.daemon.start()
        self.sheet = Rows(200)
        self.bad = []
        for place, (column, value, _) in DAMAGE.items():
            self.bad.append(list(self.sheet.rows[place]))
            self.sheet.rows[place][6] = "2000"
            self.bad[-1][6] = "2000"
            self.sheet.rows[place][column] = value

    def good(self):
        """The rows that are left when the damaged ones are taken out."""
        rows = Rows(0)
        rows.rows = [row for place, row in enumerate(self.sheet.rows) if place not in DAMAGE]
        return rows

    def push(self, path, *options, status=0):
        process = self.daemon.spawn_tally("push", "--node", "zhejiang", *options, path)
        text = self.finish(process, status)
        return text.splitlines()[-1] if text else "", read_text(process.err)

    def assert_counts(self, line, accepted, refused, duplicate):
        self.assertTrue(line.startswith(f"accepted {accepted}, refused {refused}, duplicate {duplicate},"), line)

    def test_good_rows_count_and_bad_rows_come_back(self):
        path = self.sheet.write(self.path("报名表.csv"), "gbk")
        rejects = self.path("refused.csv")
        line, complaints = self.push(path, "--rejects", rejects, status=1)
        self.assert_counts(line, len(self.sheet.rows) - len(DAMAGE), len(DAMAGE), 0)
        for place, (_, _, word) in DAMAGE.items():
            reason = next((part for part in complaints.splitlines() if f":{place + 2}: " in part), "not named")
            self.assertIn(word, reason, f"row {place + 2}")
        self.assertEqual(self.daemon.totals(), self.good().totals())
        self.correct(rejects)

    def correct(self, rejects):
        """The file of refused rows has their columns and a reason, in UTF-8, marked so that spreadsheet programs see it."""
        with open(rejects, encoding="utf-8-sig", newline="") as file:
            table = list(csv.reader(file))
        self.assertEqual(tuple(table[0][:len(harness.HEADER)]), harness.HEADER)
        self.assertEqual(len(table), 1 + len(DAMAGE))
        self.assertEqual([row[:len(harness.HEADER)] for row in table[1:]],
                         [self.sheet.rows[place] for place in DAMAGE])
        self.assertTrue(all(row[len(harness.HEADER)] for row in table[1:]), "a reason is missing")
        with open(rejects, "w", encoding="gbk", newline="") as file:
            csv.writer(file).writerows([table[0], *([*row, "改好了"] for row in self.bad)])
        line, _ = self.push(rejects)
        self.assert_counts(line, len(DAMAGE), 0, 0)
        whole = Rows(0)
        whole.rows = self.good().rows + self.bad
        for region in ("", "3301", "330106"):
            self.assertEqual(self.daemon.totals(int(region.ljust(6, "0")) if region else 0), whole.totals(region))
        self.daemon.verify()

    def test_the_same_spreadsheet_again_changes_nothing(self):
        path = self.good().write(self.path("sheet.csv"), "gbk")
        self.push(path)
        before = self.daemon.picture()
        line, _ = self.push(path)
        count = len(self.good().rows)
        self.assert_counts(line, count, 0, count)
        self.assertEqual(self.daemon.picture(), before)

    def test_a_row_replaces_what_was_known_of_its_project(self):
        """Other figures, another county, another status; and back to where it does not count."""
        rows = self.good()
        self.push(rows.write(self.path("sheet.csv")))
        counties = sorted({row[2] for row in rows.rows})
        statuses = tuple(harness.STATUSES)
        for turn in (1, 2):
            for place, row in enumerate(rows.rows):
                row[2] = counties[(counties.index(row[2]) + 1) % len(counties)]
                row[4] = statuses[(place + turn) % len(statuses)]
                row[5:8] = [f"{place}.{turn}0", str(2 * place), str(place)]
                row[11] = f"2022-0{turn}-01"
            line, _ = self.push(rows.write(self.path("sheet.csv")))
            self.assert_counts(line, len(rows.rows), 0, 0)
            self.assertEqual(self.daemon.totals(), rows.totals())
            self.assertEqual(self.daemon.totals(330100), rows.totals("3301"))
        self.assertEqual(int(self.daemon.table("history")[-1]["projects"]), rows.totals().projects)
        self.daemon.verify()

    def test_every_encoding_gives_the_same(self):
        rows = self.good()
        for encoding in ("gb18030", "utf-8", "utf-8-sig", "utf-16"):
            path = rows.write(self.path(f"{encoding}.csv"), encoding)
            line, _ = self.push(path)
            self.assert_counts(line, len(rows.rows), 0, 0 if encoding == "gb18030" else len(rows.rows))
        self.assertEqual(self.daemon.totals(), rows.totals())

    def test_nothing_accepted_is_told_by_the_exit_status(self):
        rows = Rows(20, provinces=("31",))
        line, _ = self.push(rows.write(self.path("wrong.csv")), status=2)
        self.assert_counts(line, 0, 20, 0)
        self.assertEqual(self.daemon.totals().projects, 0)

    def test_a_dry_run_sends_nothing(self):
        path = self.sheet.write(self.path("sheet.csv"), "gbk")
        line, _ = self.push(path, "--dry-run", status=1)
        self.assertTrue(line.startswith("dry run: "), line)
        self.assertEqual(self.daemon.totals().projects, 0)

    def test_another_nodes_project_is_refused(self):
        self.daemon.nodes["hangzhou"] = ["3301"]
        self.daemon.write_config()
        self.daemon.reload("reloaded")
        rows = Rows(50)
        rows.rows = [row for row in rows.rows if row[2].startswith("3301")]
        self.assertTrue(rows.rows)
        path = rows.write(self.path("sheet.csv"))
        self.push(path)
        process = self.daemon.spawn_tally("push", "--node", "hangzhou", path)
        text = self.finish(process, 2)
        self.assert_counts(text.splitlines()[-1], 0, len(rows.rows), 0)

    def test_an_unknown_node_is_told_at_once(self):
        path = self.good().write(self.path("sheet.csv"))
        process = self.daemon.spawn_tally("push", "--node", "tibet", path)
        self.finish(process, 77)
        self.assertIn("node-unknown", read_text(process.err))

    def test_a_header_without_the_unit_of_money_is_refused(self):
        path = self.path("sheet.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("项目代码,行政区划代码,竞赛类别,状态,合同造价,参与人数\nA1,330106,重点工程,已报名,1,1\n")
        _, complaints = self.push(path, status=65)
        self.assertIn("万元", complaints)


if __name__ == "__main__":
    harness.main()
