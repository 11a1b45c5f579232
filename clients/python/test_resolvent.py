"""Tests of the client, with the command of RESOLVENT_COMMAND: python3 -m unittest, in this folder."""

import ast
import copy
import gc
import html
import inspect
import json
import os
import pathlib
import pickle
import queue
import re
import subprocess
import signal
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as xml

import resolvent

PROMPT = "When Mary and John went to the market, John gave a drink to"
TARGET = [" Mary", " John"]
NAMES = {"prompt": PROMPT, "target": TARGET}


class WithACommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lm = resolvent.connect(engine="cpu", threads=1)
        cls.paths = cls.lm.paths("tales", top=5, **NAMES)

    @classmethod
    def tearDownClass(cls):
        cls.lm.close()

    def train(self, on_progress):
        """Work that takes hours."""
        with tempfile.TemporaryDirectory() as folder:
            self.lm.train_dictionary("tales", site="L1.mlp.out", features=64, steps=10**7, max_tokens=10**6,
                                     corpus=[PROMPT] * 400, out=pathlib.Path(folder, "out"), on_progress=on_progress)

    def test_every_analysis_is_a_function_with_its_keywords_and_help(self):
        for name, described in self.lm.analyses.items():
            function = getattr(self.lm, name.replace("-", "_"))
            self.assertIn(described["description"].split(" ")[0], function.__doc__)
            own = [one["name"] for one in described["parameters"] if one["name"] != one["name"].lower()]
            for option in ["--" + name.replace("_", "-") for name in inspect.signature(function).parameters] + own:
                self.assertNotRegex(function.__doc__, rf"{option}\b")
            self.assertGreaterEqual(len(inspect.signature(function).parameters), len(described["parameters"]))
        keywords = inspect.signature(self.lm.paths).parameters
        self.assertEqual(keywords["max_degree"].default, None)
        self.assertEqual(keywords["level"].default, "head")
        self.assertIn("with_", inspect.signature(self.lm.run).parameters)
        self.assertIn("level: steps of a path", self.lm.paths.__doc__)
        with self.assertRaisesRegex(TypeError, "no keyword 'lavel'"):
            self.lm.paths("tales", lavel="head", **NAMES)

    def test_a_result_is_the_dictionary_that_the_command_prints(self):
        words = ["paths", "tales", "--prompt", PROMPT, "--target", " Mary, John", "--top", "5", "--json"]
        command = [os.environ["RESOLVENT_COMMAND"], *words, "--engine", "cpu", "--threads", "1"]
        printed = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        self.assertIsInstance(self.paths, dict)
        self.assertEqual(self.paths.keys(), printed.keys())
        self.assertEqual(self.paths["question"], printed["question"])
        for own, other in zip(self.paths["shown"], printed["shown"]):
            self.assertEqual(own["degree"], other["degree"])
            self.assertAlmostEqual(own["effect"], other["effect"], places=4)
        self.assertEqual(self.paths["certificate"]["verdict"], "adds-up")
        self.assertIn(" Mary", " ".join(self.paths.answer))

    def test_prompts_as_ids_and_files_as_texts(self):
        ids = [token["id"] for token in self.lm.tokens("tales", PROMPT)]
        self.assertEqual(self.lm.paths("tales", prompt=tuple(ids), target=TARGET, top=5)["total"], self.paths["total"])
        lines = [{"prompt": PROMPT, "target": TARGET}, {"prompt": PROMPT.replace("drink", "ball"), "target": TARGET}]
        given = self.lm.paths("tales", prompts=lines, top=5)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "prompts.jsonl")
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            self.assertEqual(self.lm.paths("tales", prompts=path, top=5).tables, given.tables)
        self.assertEqual(given["kind"], "prompt-set")

    def test_files_of_bytes_go_both_ways(self):
        with tempfile.TemporaryDirectory() as folder:
            lens = pathlib.Path(folder, "lens.pt")
            ids = [[976, *range(at, at + 24)] for at in (1, 31, 61, 91)]
            tokens = pathlib.Path(folder, "ids.txt")
            tokens.write_text("\n".join(",".join(map(str, line)) for line in ids))
            fitted = self.lm.jacobian_lens("attn-only-2l", tokens_file=tokens, draws=2, out=lens)
            self.assertEqual(fitted["saved"]["dtype"], "f16")
            read = self.lm.lens("attn-only-2l", prompt=ids[0], jacobian=lens)
            self.assertEqual(read["through"]["layers"], [0])

    def test_models_are_merged_into_a_new_folder_as_a_dictionary_says(self):
        config = {"merge_method": "linear", "dtype": "float32", "models": [
            {"model": name, "parameters": {"weight": 0.5}} for name in ("tales", "tales-rows")]}
        planned = self.lm.plan("merge", config=config)
        self.assertEqual([one["name"] for one in planned["inputs"]], ["tales", "tales-rows"])
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "merged")
            merged = self.lm.merge(config=config, out=out, verify=False)
            self.assertEqual(merged["method"], "linear")
            self.assertTrue((out / "config.json").exists())
            with self.assertRaises(resolvent.InputError):
                self.lm.merge(config=config, out=out)  # it is there
        self.assertNotIn("model", inspect.signature(self.lm.merge).parameters)
        with self.assertRaisesRegex(TypeError, "no keyword 'model'"):
            self.lm.merge("tales", config=config)
        with self.assertRaises(resolvent.InputError) as caught:
            self.lm.plan("paths", **NAMES)
        self.assertEqual(caught.exception.code, "remote/not-asked-so")

    def test_columns_are_lists_without_numpy(self):
        numpy, resolvent.numpy = resolvent.numpy, None
        try:
            self.assertEqual(self.paths.table("path")["effect"], [one["effect"] for one in self.paths["shown"]])
            self.assertEqual(self.paths.array("certificate", "tolerance"), self.paths["certificate"]["tolerance"])
        finally:
            resolvent.numpy = numpy
        with self.assertRaisesRegex(KeyError, "path, path-degree, direct"):
            self.paths.table("none")

    @unittest.skipIf(resolvent.numpy is None, "no numpy here")
    def test_arrays_are_taken_and_given_where_numpy_is(self):
        numpy = resolvent.numpy
        ids = numpy.array([token["id"] for token in self.lm.tokens("tales", PROMPT)])
        again = self.lm.paths("tales", prompt=ids, target=TARGET, top=numpy.int64(5))
        effects = again.table("path")["effect"]
        self.assertIsInstance(effects, numpy.ndarray)
        numpy.testing.assert_allclose(effects, self.paths.table()["effect"], rtol=1e-6)
        self.assertEqual(again.array("input", "tokens", 0, "id").dtype, float)

    def test_figures_are_whole_pictures(self):
        self.assertEqual(len(self.paths.figures), len(self.paths.views))
        for figure in self.paths.figures:
            self.assertEqual(xml.fromstring(figure.svg).tag, "{http://www.w3.org/2000/svg}svg")
            self.assertNotIn("var(--", figure.svg)
        page = self.paths._repr_html_()
        self.assertEqual(page.count("<img "), len(self.paths.figures))
        self.assertEqual(xml.fromstring(page).tag, "div")  # every tag is closed, every word escaped

    def test_what_goes_wrong_has_its_code(self):
        for question, code in [
            (lambda: self.lm.paths("tales", prompt=PROMPT, level="neither"), "analysis/bad-parameters"),
            (lambda: self.lm.paths("tales", prompt=PROMPT, target=["no such token"]), "analysis/no-token"),
            (lambda: self.lm.model("/no/such/model"), "cli/usage"),
            (lambda: self.lm.paths(prompt=PROMPT), "remote/no-model"),
            (lambda: self.lm.draw({}), "remote/bad-reply"),
            (lambda: self.lm.expand("tales", prompt=PROMPT, precision="f16"), "client/bad-precision"),
            (lambda: self.lm.linearity("tales", corpus="Once upon a time"), "client/unreadable"),
            (lambda: self.lm.linearity("tales", corpus=5), "client/not-text"),
        ]:
            with self.subTest(code), self.assertRaises(resolvent.InputError) as caught:
                question()
            self.assertEqual(caught.exception.code, code)
            self.assertIn(f"[{code}]", str(caught.exception))

    def test_what_goes_wrong_is_told_by_keywords(self):
        for question, said in [
            (lambda: self.lm.paths("tales", prompt=PROMPT, target=TARGET, max_degree=-1), r"^max_degree: .*got -1\."),
            (lambda: self.lm.run("tales", prompt=PROMPT, with_="neither"), r"^with_: "),
            (lambda: self.lm.linearity("tales"), r"corpus or tokens_file"),
            (lambda: self.lm.graph("tales"), r"Give prompt, prompt as ids 1,2,3 or import_\."),
            (lambda: self.lm.merge(config={"merge_method": "linear", "models": [{"model": "tales", "parameters": {
                "weight": 1}}]}), r"look at the plan alone: plan\."),
            (lambda: self.lm.linearity("tales", tokens_file=[[1, 2], [3, 977]]), r", line 2: .* 0 to 976, got 977\."),
        ]:
            with self.subTest(said), self.assertRaisesRegex(resolvent.InputError, said):
                question()

    def test_an_interrupt_cancels_and_the_command_goes_on(self):
        self.assertIn("tales", self.lm.models)  # another test ends the command
        process = self.lm._process
        heard = []

        def interrupt(progress):
            heard.append(progress)
            if len(heard) == 1:
                threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT]).start()

        grace, resolvent.GRACE = resolvent.GRACE, 60  # on a machine that does much else
        try:
            with self.assertRaises(KeyboardInterrupt) as caught:
                self.train(interrupt)
        finally:
            resolvent.GRACE = grace
        self.assertIsInstance(caught.exception, resolvent.Cancelled)
        self.assertEqual(caught.exception.code, "remote/cancelled")
        self.assertEqual(self.lm.paths("tales", top=5, **NAMES)["total"], self.paths["total"])
        self.assertIs(self.lm._process, process)

    def test_another_thread_cancels_and_several_ask_at_once(self):
        raised, working = [], threading.Event()

        def long_work(behind):
            try:
                self.train(lambda _: working.set()) if not behind else self.lm.paths("tales", top=5, **NAMES)
            except resolvent.Cancelled as error:
                raised.append(error.code)

        threads = [threading.Thread(target=long_work, args=[behind]) for behind in (False, True)]
        threads[0].start()
        self.assertTrue(working.wait(60))
        threads[1].start()  # waits in turn
        self.assertGreater(len(self.lm.tokens("tales", PROMPT)), 0)  # is answered meanwhile
        while len(self.lm._process.unanswered) < 2:
            time.sleep(0.01)
        self.lm.cancel()
        for thread in threads:
            thread.join(60)
        self.assertEqual(raised, ["remote/cancelled"] * 2)
        self.assertEqual(self.lm.paths("tales", top=5, **NAMES)["total"], self.paths["total"])

    def test_what_listens_may_ask_and_what_it_raises_ends_the_work(self):
        lines = [{"prompt": PROMPT, "target": TARGET}] * 3
        pages = []
        self.lm.paths("tales", prompts=lines, top=5, on_partial=lambda found: pages.append(found._repr_html_()))
        self.assertEqual([page[:5] for page in pages], ["<div>"] * 2)

        def refuse(progress):
            raise ZeroDivisionError("of mine")

        grace, resolvent.GRACE = resolvent.GRACE, 60
        process = self.lm._process
        try:
            with self.assertRaisesRegex(ZeroDivisionError, "of mine"):
                self.train(refuse)
        finally:
            resolvent.GRACE = grace
        self.assertEqual(self.lm.paths("tales", top=5, **NAMES)["total"], self.paths["total"])
        self.assertIs(self.lm._process, process)

    def test_a_copy_is_what_was_found(self):
        again = pickle.loads(pickle.dumps(self.paths))
        self.assertEqual([again, again.tables, again.answer], [self.paths, self.paths.tables, self.paths.answer])
        self.assertEqual(copy.deepcopy(self.paths), self.paths)
        self.assertIn(html.escape(self.paths.answer[0]), again._repr_html_())
        with self.assertRaises(resolvent.InputError) as caught:
            again.figures
        self.assertEqual(caught.exception.code, "client/no-connection")
        self.assertEqual(self.lm.draw(again.findings)[0].svg, self.paths.figures[0].svg)

    def test_what_is_no_json_is_refused_before_it_is_sent(self):
        odd = [float("nan"), 1j, object(), {1: {2}, "a": b"x"}, print]
        if resolvent.numpy is not None:
            odd += [resolvent.numpy.array([1, float("inf")]), resolvent.numpy.array(["2026-01-01"], "datetime64[D]")]
        for value in odd:
            with self.subTest(value), self.assertRaises(resolvent.InputError) as caught:
                self.lm.paths("tales", prompt=value)
            self.assertEqual(caught.exception.code, "client/not-json")
        with self.assertRaises(resolvent.InputError) as caught:
            self.lm.paths("tales", prompts=b"\xff\xfe")
        self.assertEqual(caught.exception.code, "client/not-text")
        self.assertEqual(self.lm._process.unanswered, [])

    def test_texts_are_sent_as_they_are(self):
        text = "\ufeffOnce upon a time\r\nthere was\n"
        for given in [text.encode(), bytearray(text.encode())]:
            self.assertEqual(resolvent._text(given)["text"], text)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "text")
            path.write_bytes(text.encode())
            self.assertEqual(resolvent._text(path), {"name": str(path), "text": text})
            path.write_text("\ufeff" + json.dumps({"prompt": PROMPT, "target": TARGET}), encoding="utf-8")
            self.assertEqual(self.lm.paths("tales", prompts=path, top=5)["prompts"][0]["line"], 1)

    def test_one_that_nobody_can_ask_ends(self):
        lost = resolvent.connect(engine="cpu", threads=1, options="--offline")
        process = lost._process
        del lost
        gc.collect()
        self.assertEqual([process.alive, process._child.stdin.closed], [False, True])

    def test_a_command_that_is_gone_says_so_and_the_next_question_starts_another(self):
        process = self.lm._process
        process._child.kill()
        process._child.wait()
        self.assertIn("tales", self.lm.models)
        self.assertIsNot(self.lm._process, process)
        # While it is asked, too.
        with self.assertRaises(resolvent.InternalError) as caught:
            self.train(lambda _: self.lm._process._child.kill())
        self.assertEqual(caught.exception.code, "client/ended")

    def test_the_notebook(self):
        notebook = json.loads(pathlib.Path(__file__).with_name("example.ipynb").read_text())
        shown, names = [], {}
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                run_cell("".join(cell["source"]), names, shown.append)
        pages = [value._repr_html_() for value in shown if hasattr(value, "_repr_html_")]
        names["lm"].close()
        self.assertGreaterEqual(len(pages), 3)
        if "RESOLVENT_SHOTS" in os.environ:
            pathlib.Path(os.environ["RESOLVENT_SHOTS"]).write_text("<hr>".join(pages))


    def test_the_readme(self):
        text = pathlib.Path(__file__).with_name("README.md").read_text()
        [block] = re.findall(r"^```python\n(.*?)^```$", text, re.S | re.M)
        names = {}
        with tempfile.TemporaryDirectory() as folder:
            before = os.getcwd()
            os.chdir(folder)
            try:
                exec(block, names)
                self.assertTrue(pathlib.Path("degrees.svg").read_text().startswith("<svg"))
            finally:
                os.chdir(before)
                names["lm"].close()


class WithoutACommand(unittest.TestCase):
    def test_a_reply_that_comes_as_the_command_ends_is_heard(self):
        class Reader:
            alive = True

            def is_alive(self):
                return self.alive

        class Replies(queue.Queue):
            def get(self, timeout):
                if reader.alive:  # it reads the last reply, and ends, just after we have waited long enough
                    self.put({"say": "answer"})
                    reader.alive = False
                    raise queue.Empty
                return super().get(timeout=timeout)

        reader = Reader()
        process = object.__new__(resolvent._Process)
        process._readers, process._replies = [reader], {0: Replies()}
        self.assertEqual(process.reply(0), {"say": "answer"})

    def test_its_syntax_is_that_of_the_oldest_python_it_names(self):
        ast.parse(pathlib.Path(resolvent.__file__).read_text(), feature_version=(3, 8))

    def test_one_that_is_not_there_is_named(self):
        with self.assertRaises(resolvent.InputError) as caught:
            resolvent.connect("no-such-command")
        self.assertEqual(caught.exception.code, "client/no-command")

    def test_one_that_does_not_start_says_why(self):
        with self.assertRaises(resolvent.InternalError) as caught:
            resolvent.connect(options=["--folder", "/no/such/folder"])
        self.assertIn("no such folder", str(caught.exception))


def run_cell(source, names, show):
    """Runs a cell; what its last line says is shown, as a notebook does."""
    lines = ast.parse(source)
    last = lines.body.pop() if isinstance(lines.body[-1], ast.Expr) else None
    exec(compile(lines, "<cell>", "exec"), names)
    if last is not None:
        show(eval(compile(ast.Expression(last.value), "<cell>", "eval"), names))


if __name__ == "__main__":
    unittest.main()
