"""Resolvent from Python: transformers taken apart into their paths, by degree.

    import resolvent

    with resolvent.connect() as lm:
        found = lm.paths("tales", prompt="When Mary and John went to the market, John gave a drink to",
                         target=[" Mary", " John"], top=5)
        found["certificate"]["verdict"]      # the result, a dictionary: what --json of the command prints
        found.table("path")["effect"]        # a column, an array where numpy is there
        found                                # in a notebook: its figures

`connect` starts `resolvent serve`, which comes with `npm install --global @resolvent/cli`, and talks to it in lines of
JSON. Every analysis is a function of the connection, with keywords as its command has options: `help(lm.paths)`.

This file needs Python 3.8 or later and nothing else.
"""

import base64
import collections
import html
import inspect
import json
import keyword
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import warnings

try:
    import numpy
except ImportError:  # lists in place of arrays
    numpy = None

__all__ = ["connect", "Connection", "Result", "Figure", "ResolventError", "InputError", "InternalError", "Cancelled"]

PROTOCOL = 1

#: Seconds that work which was interrupted may take to end, before the command is ended.
GRACE = 2.0


class ResolventError(Exception):
    """What went wrong, with its permanent `code`, and a `remedy` or None."""

    def __init__(self, code, message, remedy=None):
        super().__init__(" ".join(filter(None, [message, remedy, f"[{code}]"])))
        self.code = code
        self.remedy = remedy


class InputError(ResolventError, ValueError):
    """What was asked cannot be done."""


class InternalError(ResolventError, RuntimeError):
    """A fault of the program, or its end."""


class Cancelled(ResolventError, KeyboardInterrupt):
    """Work that was interrupted, by Ctrl-C or by the button of a notebook."""


KINDS = {"input": InputError, "internal": InternalError, "cancelled": Cancelled}


def connect(command=None, *, model=None, folders=(), threads=None, engine=None, options=(), environment=None):
    """Starts the command and gives a `Connection` to it.

    command: the command, a path or a list of words; default that of RESOLVENT_COMMAND, or `resolvent` on the PATH.
    model: a model that is listed beside the bundled ones; analyses take others too.
    folders: folders with models and dictionaries, which are listed.
    threads: how many compute; default one per core, at most 8.
    engine: what computes, such as "cpu"; default the best that is here.
    options: further options of `resolvent serve`, as words.
    environment: variables beside those of this process.
    """
    return Connection(command, model, folders, threads, engine, options, environment)


class Connection:
    """A running command. Its functions are its analyses; `close()`, or the end of a `with`, ends it.

    Several threads may ask at once: runs are made one after the other. `cancel()`, from any of them, ends what is asked.
    """

    _process = None
    analyses = {}

    def __init__(self, command, model, folders, threads, engine, options, environment):
        words = command if command is not None else os.environ.get("RESOLVENT_COMMAND") or "resolvent"
        self._words = [*_names(words), "serve"]
        if model is not None:
            self._words.append(os.fspath(model))
        for folder in _names(folders):
            self._words += ["--folder", folder]
        if threads is not None:
            self._words += ["--threads", str(threads)]
        if engine is not None:
            self._words += ["--engine", engine]
        self._words += _names(options)
        self._environment = {**os.environ, **(environment or {})}
        self._starting = threading.Lock()
        try:
            names = [one["name"] for one in self._describe()["analyses"]]
            described = self._describe(names)
        except BaseException:
            self.close()
            raise
        self.engine = described["engine"]
        self.analyses = {one["name"]: one for one in described["analyses"]}
        taken = set(dir(self))  # an analysis of a plug-in that is called so is there by `run_analysis`
        for name, one in self.analyses.items():
            if _python_name(name) not in taken:
                setattr(self, _python_name(name), _function(self, one))

    @property
    def models(self):
        """What there is by name, with a line about each; any folder, address or name on the Hub is a model too."""
        return {one["name"]: one["summary"] for one in self._describe()["models"]}

    @property
    def dictionaries(self):
        """Sparse autoencoders and transcoders by name, with a line about each."""
        return {one["name"]: one["summary"] for one in self._describe().get("dictionaries", [])}

    def model(self, name):
        """What the files of a model say, as a dictionary; nothing is loaded."""
        return self._ask({"ask": "model", "model": os.fspath(name)})["model"]

    def tokens(self, model, prompt):
        """The tokens of a text: a list of dictionaries with `id` and `text`."""
        return self._ask({"ask": "tokens", "model": os.fspath(model), "prompt": prompt})["tokens"]

    def run_analysis(self, name, /, model=None, *, precision="f32", float64=True, dictionaries=None,
                     on_progress=None, on_partial=None, **values):
        """Runs an analysis by its name: what the functions of this connection call."""
        return self._result(self._work("run", name, model, values, precision, float64, dictionaries),
                            on_progress, on_partial)

    def estimate(self, name, /, model=None, *, precision="f32", float64=True, dictionaries=None, **values):
        """What an analysis would take, as a dictionary: operations, bytes; nothing is loaded."""
        return self._ask(self._work("estimate", name, model, values, precision, float64, dictionaries))["estimate"]

    def plan(self, name, /, **values):
        """What an analysis that opens models itself, such as merge, would do: a Result; nothing is written."""
        return self._result(self._work("plan", name, None, values, "f32", True, None))

    def draw(self, findings, width=720):
        """The figures of findings, such as those that `--findings FILE` has written: a list of `Figure`."""
        said = self._ask({"ask": "draw", "findings": findings, "width": width})
        return [Figure(**one) for one in said["figures"]]

    def cancel(self):
        """Cancels what other threads have asked for, which raises `Cancelled` there."""
        process = self._process
        if process is not None:
            for asked in process.unanswered:
                process.cancel(asked)

    def close(self):
        """Ends the command, and what is being done."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def __del__(self):
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # nobody can ask it any more

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<resolvent: {len(self.analyses)} analyses, {self.engine}>"

    def _describe(self, analyses=None):
        more = {} if analyses is None else {"analyses": analyses}
        return self._ask({"ask": "describe", **more})["description"]

    def _work(self, ask, name, model, values, precision, float64, dictionaries):
        described = self.analyses.get(name)
        if described is None:
            raise AttributeError(f"There is no analysis {name!r}: {', '.join(self.analyses)}.")
        if precision not in ("f32", "f64"):
            raise InputError("client/bad-precision", f"precision: expected 'f32' or 'f64', got {precision!r}.")
        own, texts = _values(described, values)
        work = {"analysis": name, "model": "" if model is None else os.fspath(model), "values": own,
                "precision": precision, "float64": bool(float64), "texts": texts}
        if dictionaries is not None:
            work["dictionaries"] = _names(dictionaries)
        return {"ask": ask, "work": work}

    def _result(self, question, on_progress=None, on_partial=None):
        def hear(reply):
            if reply["say"] == "progress" and on_progress is not None:
                on_progress(reply["progress"])
            elif reply["say"] == "partial" and on_partial is not None:
                on_partial(Result(reply["findings"], self))
            elif reply["say"] == "warnings":
                for one in reply["warnings"]:
                    _warn(f"{self._here(question, one['message'])} [{one['code']}]")

        return Result(self._ask(question, hear)["findings"], self)

    def _ask(self, question, hear=lambda reply: None):
        """Asks, and gives the last reply; interrupted, it waits until the work has ended, so that the next one can start."""
        process = self._running()
        asked = process.ask(question)
        try:
            reply = _last(process, asked, hear)
        except BaseException as error:  # an interrupt, or what `hear` raises: nobody waits for the work any more
            if not process.alive:
                raise
            try:
                process.cancel(asked)
                _last(process, asked, lambda reply: None, GRACE)
            except (ResolventError, queue.Empty, KeyboardInterrupt):
                process.kill()  # the next question starts another
            if isinstance(error, KeyboardInterrupt):
                raise Cancelled("remote/cancelled", "Cancelled.") from None
            raise
        finally:
            process.forget(asked)
        if reply["say"] != "failure":
            return reply
        failure = reply["failure"]
        said = [None if failure[one] is None else self._here(question, failure[one]) for one in ("message", "remedy")]
        raise KINDS[failure["kind"]](failure["code"], *said)

    def _here(self, question, words):
        """What is said of an analysis, in the words of its function."""
        described = self.analyses.get(question["work"]["analysis"]) if "work" in question else None
        return words if described is None else _in_python(described, words)

    def _running(self):
        with self._starting:
            if self._process is None or not self._process.alive:
                self.close()  # what one that is gone has left
                self._process = _Process(self._words, self._environment)
            return self._process


def _last(process, asked, hear, limit=None):
    """The last reply to a request; those before it are heard."""
    while True:
        reply = process.reply(asked, limit)
        if reply["say"] not in ("progress", "partial", "warnings"):
            return reply
        hear(reply)


class _Process:
    """The command, and threads that read what it writes: reading itself must not be interrupted in the middle of a line."""

    def __init__(self, words, environment):
        program = shutil.which(words[0], path=environment.get("PATH"))
        if program is None:
            raise InputError("client/no-command", f"There is no command {words[0]!r}.",
                             "npm install --global @resolvent/cli, or name it: connect(command=…).")
        # In a group of its own: Ctrl-C is for this process, which tells the command.
        apart = {"creationflags": 0x200} if os.name == "nt" else {"start_new_session": True}
        self._child = subprocess.Popen([program, *words[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=environment, **apart)
        self._writing = threading.Lock()
        self._next = 0
        self._replies = {}  # a queue for each request that is not answered yet
        self._said = collections.deque(maxlen=20)
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._note)]
        for reader in self._readers:
            reader.start()

    @property
    def alive(self):
        return self._child.poll() is None

    @property
    def unanswered(self):
        """The requests that are not answered yet."""
        return list(self._replies)

    def ask(self, question):
        """Sends a request, and gives its number."""
        return self._send(question, answered=True)

    def cancel(self, asked):
        self._send({"ask": "cancel", "request": asked}, answered=False)

    def _send(self, question, answered):
        text = _json(question)
        with self._writing:
            asked, self._next = self._next, self._next + 1
            if answered:
                self._replies[asked] = queue.Queue()
            try:
                self._child.stdin.write(f'{{"protocol": {PROTOCOL}, "id": {asked}, {text[1:]}\n'.encode())
                self._child.stdin.flush()
            except (OSError, ValueError):  # its end is closed, or ours
                self.forget(asked)
                raise self._gone() from None
            except BaseException:  # interrupted within a line: what follows would be part of it
                self.forget(asked)
                self.kill()
                raise
        return asked

    def reply(self, asked, limit=None):
        """The next one to a request; within so many seconds, or queue.Empty."""
        while True:
            reading = self._readers[0].is_alive()  # asked before: what is read last is there before the reader has ended
            try:
                reply = self._replies[asked].get(timeout=0.5 if limit is None else limit)
            except queue.Empty:
                if limit is not None:
                    raise
                if reading:
                    continue  # waiting without an end cannot be interrupted on Windows
                reply = None
            if reply is None:
                raise self._gone()
            return reply

    def forget(self, asked):
        self._replies.pop(asked, None)

    def end(self):
        try:
            self._child.stdin.close()  # it answers what was asked, and ends
            self._child.wait(GRACE)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.kill()

    def kill(self):
        if self.alive:
            self._child.kill()
        self._child.wait()
        if sys.is_finalizing() or threading.current_thread() in self._readers:
            return  # these end with it
        for reader in self._readers:
            reader.join(GRACE)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            try:
                stream.close()
            except OSError:
                pass

    def _read(self):
        for line in self._child.stdout:
            try:
                reply = json.loads(line)
                to = reply["to"]
            except (ValueError, TypeError, KeyError):  # of something else that writes there
                self._said.append(line.decode(errors="replace").rstrip())
                continue
            # What is no request is told to nobody in particular.
            for asked, replies in list(self._replies.items()):
                if to in (asked, None):
                    replies.put(reply)
        for replies in list(self._replies.values()):
            replies.put(None)

    def _note(self):
        for line in self._child.stderr:
            self._said.append(line.decode(errors="replace").rstrip())

    def _gone(self):
        self.kill()
        said = "\n".join(self._said)
        return InternalError("client/ended", f"The command has ended ({self._child.returncode}).\n{said}".rstrip())


class Result(dict):
    """What an analysis has found: the result as the command's `--json` prints it, with what is shown of it.

    answer: sentences. tables, views: plain data. soundness: what is wrong with the numbers, if anything.
    """

    def __init__(self, findings, connection):
        super().__init__(findings["result"])
        self.findings = findings
        self.answer = findings["answer"]
        self.tables = findings["tables"]
        self.views = findings["views"]
        self.soundness = findings["soundness"]
        self._connection = connection
        self._figures = None

    def __reduce__(self):
        """Copied or pickled, it is what was found, without the connection: `lm.draw(found.findings)` has its figures."""
        return Result, (self.findings, None)

    @property
    def figures(self):
        """Its figures, drawn once: a list of `Figure`."""
        if self._figures is None and self._connection is None:
            raise InputError("client/no-connection", "A copy of a result has no connection that draws it.",
                             "Draw what it has found: lm.draw(found.findings).")
        if self._figures is None:
            self._figures = self._connection.draw(self.findings)
        return self._figures

    def table(self, kind=None):
        """A table as a dictionary of columns by name, of all rows; default the first. `pandas.DataFrame` takes it.

        Columns of numbers are arrays where numpy is there, with nan for what is not defined; others are lists.
        """
        kinds = [one["kind"] for one in self.tables]
        if kind is not None and kind not in kinds:
            raise KeyError(f"There is no table {kind!r}: {', '.join(kinds)}.")
        table = self.tables[0 if kind is None else kinds.index(kind)]
        return {column["name"]: _column([row[n] for row in table["rows"]])
                for n, column in enumerate(table["columns"])}

    def array(self, *path):
        """What is at these names and numbers in the result, as an array; a list where there is no numpy."""
        value = self
        for step in path:
            value = value[step]
        return value if numpy is None else numpy.asarray(value, dtype=float)

    def _repr_html_(self):
        figures = [] if self._connection is None and self._figures is None else self.figures
        said = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.answer)
        wrong = "".join(f"<p><strong>{html.escape(one['message'])}</strong></p>" for one in self.soundness["warnings"])
        return f"<div>{said}{wrong}{''.join(one._repr_html_() for one in figures)}</div>"


class Figure:
    """A figure: `svg` is text, whole and in its own colours; `save` writes it to a file."""

    def __init__(self, title, note, svg):
        self.title, self.note, self.svg = title, note, svg

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.svg)

    def _repr_svg_(self):
        return self.svg

    def _repr_html_(self):
        # As a picture: ids and styles of one figure mean nothing to another, or to the page.
        data = base64.b64encode(self.svg.encode()).decode()
        note = "" if self.note is None else f"<figcaption>{html.escape(self.note)}</figcaption>"
        return (f'<figure style="margin:1em 0"><img alt="{html.escape(self.title)}" style="max-width:100%" '
                f'src="data:image/svg+xml;base64,{data}"/>{note}</figure>')

    def __repr__(self):
        return f"<figure: {self.title}>"


#: What every function takes beside the parameters of its analysis.
COMMON = {
    "precision": ("f32", "of the computation, f32 or f64"),
    "float64": (True, "recompute certificates in float64"),
    "dictionaries": (None, "names or folders of dictionaries; default those that are bundled with the model"),
    "on_progress": (None, "hears how far it is: a dictionary with done, total, of"),
    "on_partial": (None, "hears what there is so far: a Result"),
}


def _function(connection, described):
    """The function of an analysis, with its signature and help."""
    # What opens models itself is given none, and computes in no precision of ours.
    opens = described.get("files", False)
    common = {name: COMMON[name] for name in (["on_progress"] if opens else COMMON)}

    def analysis(model=None, **given):
        unknown = [name for name in given if name not in common and _own_name(described, name) is None]
        if opens and model is not None:
            unknown = ["model"]
        if unknown:
            raise TypeError(f"{analysis.__name__}() has no keyword {unknown[0]!r}; help({analysis.__name__}) lists them")
        return connection.run_analysis(described["name"], model, **given)

    parameters = described["parameters"]
    keywords = [] if opens else [inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)]
    for one in parameters:
        default = inspect.Parameter.empty if one["required"] else one.get("default")
        keywords.append(inspect.Parameter(_python_name(one["name"]), inspect.Parameter.KEYWORD_ONLY, default=default))
    for name, (default, _) in common.items():
        keywords.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
    lines = [f"{_python_name(one['name'])}: {_in_python(described, one['description'])}{_takes(one)}"
             for one in parameters]
    lines += [f"{name}: {said}" for name, (_, said) in common.items()]
    if not opens:
        lines.insert(0, "model: a name of `models`, a folder, an address, or a name on the Hub")
    analysis.__name__ = analysis.__qualname__ = _python_name(described["name"])
    analysis.__signature__ = inspect.Signature(keywords)
    about = _in_python(described, described["description"])
    analysis.__doc__ = "\n".join([_sentence(described["summary"]), "", about, "", *lines])
    return analysis


def _sentence(words):
    return f"{words[:1].upper()}{words[1:]}."


def _takes(parameter):
    choices = parameter.get("choices")
    said = "" if choices is None else f": {', '.join(choices)}"
    preset = parameter.get("default")
    return said if preset in (None, [], False) else f"{said}; default {preset!r}"


def _python_name(name):
    """`maxDegree` as max_degree, `train-dictionary` as train_dictionary, `with` as with_."""
    own = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name).replace("-", "_")
    return f"{own}_" if keyword.iskeyword(own) else own


#: Options of every command that have a keyword, or a function, of another name.
OPTIONS = {"precision": "precision", "float64": "float64", "dictionary": "dictionaries", "dry-run": "plan"}


def _in_python(described, words):
    """What the command says, by keywords: `--max-degree K` and `maxDegree` are max_degree, `--no-hash` is hash=False."""
    names = [one["name"] for one in described["parameters"]]
    options = {**OPTIONS, **{_python_name(name).strip("_").replace("_", "-"): _python_name(name) for name in names}}
    for one in described["parameters"]:
        if one["kind"] in ("prompt", "prompts"):  # ids have an option of their own there
            ids = "tokens" if one["name"] == "prompt" else f"{_python_name(one['name']).replace('_', '-')}-tokens"
            options.setdefault(ids, f"{_python_name(one['name'])} as ids")

    def keyword_of(option):
        name = option[1]
        if name.startswith("no-") and name[3:] in options:
            return f"{options[name[3:]]}=False"
        return options.get(name, option[0])

    words = re.sub("--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?: [A-Z]+\\b)?", keyword_of, words)
    for name in names:  # as a fault of a parameter begins, or as no other word is written
        if _python_name(name) != name:
            place = rf"\b{name}\b" if name != name.lower() else rf"(?:^|(?<=\. )){name}(?=: )"
            words = re.sub(place, _python_name(name), words)
    return words


def _own_name(described, name):
    """The parameter that a keyword means, by its name here or its own."""
    for one in described["parameters"]:
        if name in (one["name"], _python_name(one["name"])):
            return one
    return None


def _values(described, given):
    """Values by the names of the analysis, and texts for those that are files. None is as if nothing were given."""
    values, texts = {}, {}
    for name, value in given.items():
        own = _own_name(described, name)
        if own is None:
            raise InputError("client/no-parameter", f"{described['name']} has no parameter {name!r}.",
                             f"It has {', '.join(_python_name(one['name']) for one in described['parameters'])}.")
        if value is None:
            continue
        if own["kind"] == "file":
            texts[own["name"]] = _text(value)
        elif own["kind"] == "jsonLines":
            given = _text(value)
            if given["text"].startswith(BYTES):
                raise InputError("client/not-text", f"{given['name']} is not UTF-8 text.", "Is it the right file?")
            values[own["name"]] = given["text"].lstrip("\ufeff")
        elif own["kind"] in ("newFile", "newFolder"):
            values[own["name"]] = os.path.abspath(os.fspath(value))  # the command may have started elsewhere
        else:
            values[own["name"]] = value
    return values, texts


#: What the bytes of a file that is no text begin with; base64 follows.
BYTES = "data:application/octet-stream;base64,"


def _text(value):
    """A file by its path or its bytes, a dictionary as JSON, or texts, one a line: strings, or anything else as lines of JSON.

    @raise InputError `client/unreadable`, `client/not-text`, `client/broken-line`
    """
    if isinstance(value, (str, os.PathLike)):
        try:
            with open(value, "rb") as file:
                return {"name": os.fspath(value), "text": _decoded(file.read())}
        except (OSError, ValueError) as error:  # a text in place of a path may be too long, or have a NUL
            raise InputError("client/unreadable", f"{os.fspath(value)[:80]!r} cannot be read: {error}.",
                             "Give the path of a file, its bytes, or texts in a list.") from error
    if isinstance(value, (bytes, bytearray)):
        return {"name": "bytes given in Python", "text": _decoded(value)}
    if hasattr(value, "columns") and hasattr(value, "to_dict"):
        value = value.to_dict("records")  # of a table of pandas its rows
    listed = [value] if isinstance(value, dict) else value
    if not hasattr(listed, "__iter__"):
        raise InputError("client/not-text", f"{value!r} is no file, and no texts.",
                         "Give the path of a file, its bytes, or texts in a list.")
    lines = [one if isinstance(one, str) else _json(one) for one in listed]
    broken = [line for line in lines if "\n" in line]
    if broken:
        raise InputError("client/broken-line", f"A text has an end of line in it: {broken[0][:40]!r}.",
                         "Give a file, or dictionaries.")
    return {"name": "texts given in Python", "text": "".join(f"{line}\n" for line in lines)}


def _decoded(read):
    """Bytes as text that stands for the very same bytes."""
    try:
        return bytes(read).decode("utf-8")
    except UnicodeDecodeError:
        return BYTES + base64.b64encode(read).decode("ascii")


def _json(value):
    """@raise InputError `client/not-json`"""
    try:
        return json.dumps(_plain(value), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError("client/not-json", f"What is given cannot be sent as JSON: {error}.",
                         "Give texts, numbers that are finite, lists, dictionaries, or arrays of these.") from None


def _names(value):
    """One name, or several."""
    return [os.fspath(one) for one in ([value] if isinstance(value, (str, os.PathLike)) else value)]


def _warn(message):
    """A warning at the line that has called what is in this file."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def _plain(value):
    """As JSON has it: arrays as lists, paths as texts."""
    if hasattr(value, "tolist"):
        listed = value.tolist()
        return float(value) if type(listed) is type(value) else _plain(listed)  # wider than Python's own numbers
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, range)):
        return [_plain(one) for one in value]
    return value


def _column(cells):
    """An array of numbers, or the list where some cell is a word, or where there is no numpy."""
    if numpy is None or any(isinstance(cell, str) for cell in cells):
        return cells
    return numpy.array([float("nan") if cell is None else cell for cell in cells])
