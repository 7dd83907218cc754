"""`manage.py makemessages`: Django's own, which also collects the words of the Jinja templates."""

from pathlib import Path
from typing import Any

from django.core.management.commands import makemessages
from django.template import engines


class TranslatedFile(makemessages.BuildFile):
    """A file on its way to xgettext; a Jinja template goes there as the calls in it."""

    def preprocess(self) -> None:
        if "jinja" not in Path(self.path).parts:
            return super().preprocess()
        source = Path(self.path).read_text("utf-8")
        Path(self.work_path).write_text(calls_in(source), "utf-8")


class Command(makemessages.Command):
    build_file_class = TranslatedFile


def calls_in(template: str) -> str:
    """The messages of a Jinja template as Python calls, each on its line: ngettext('one', 'many')."""
    engine: Any = engines["jinja2"]
    lines = [""] * (template.count("\n") + 2)
    for number, function, said in engine.env.extract_translations(template):
        words = said if isinstance(said, tuple) else (said,)
        lines[number] += f"{function}({', '.join(repr(one) for one in words if one)}); "
    return "\n".join(lines[1:])
