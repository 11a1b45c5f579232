import {
  certificatesOf,
  checkTables,
  checkViews,
  faultOfResult,
  type Result,
  type Table,
  type View,
} from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { presentationFor, type Shows } from "./known.ts";

/** What an element draws. */
export interface Shown {
  readonly tables: readonly Table[];
  readonly views: readonly View[];
  /** Without which it would be misread. */
  readonly warnings: readonly string[];
}

/** Views of a result, and warnings, at most: no analysis has as many. */
const MOST_VIEWS = 100;
const MOST_WARNINGS = 20;

/**
 * What there is to draw of a result, or of one that comes with its tables and views (`findingsOf` of
 * `@resolvent/analysis/remote`).
 *
 * @throws InputError `elements/bad-result`, `elements/other-kind`, `elements/newer-result`, `elements/nothing-to-show`,
 *   `elements/too-many`, `analysis/bad-table`, `analysis/bad-view`
 */
export function shownOf(given: unknown, shows: Shows): Shown {
  const { result: inner, tables: own, views: ownViews } = Object(given);
  const found = own !== undefined && ownViews !== undefined && inner !== undefined;
  const result = checkedResult(found ? inner : given);
  const { tables, views } = found
    ? { tables: checkTables(own), views: ownViews as unknown }
    : presented(result, shows);
  if (Array.isArray(views) && views.length > MOST_VIEWS) {
    throw new InputError({
      code: "elements/too-many",
      message: `This result comes with ${views.length} views; a page shows at most ${MOST_VIEWS}.`,
      remedy: "Make a result with fewer.",
      details: { views: views.length, most: MOST_VIEWS },
    });
  }
  const seen = checkViews(views, tables).filter((view) => isShown(view, shows));
  if (seen.length === 0) {
    throw new InputError({
      code: "elements/nothing-to-show",
      message: `This result of the kind ${result.kind} has nothing that ${shows.name} shows.`,
      remedy: shows.remedy ?? "The element resolvent-figure shows all there is.",
      details: { kind: result.kind },
    });
  }
  return { tables, views: seen, warnings: warningsOf(result) };
}

function checkedResult(given: unknown): Result {
  const fault = faultOfResult(given);
  if (fault === undefined) return given as Result; // it was looked at
  throw new InputError({
    code: "elements/bad-result",
    message: `This is ${fault}.`,
    remedy: "A figure takes what --json prints.",
    details: { fault },
  });
}

function presented(
  result: Result,
  shows: Shows,
): { readonly tables: readonly Table[]; readonly views: unknown } {
  const { kind, schemaVersion } = result;
  const presentation = presentationFor(shows, result);
  if (presentation === undefined) {
    const known = shows.knows.map((one) => one.kind);
    throw new InputError({
      code: "elements/other-kind",
      message: `This is a result of the kind ${kind}, which ${shows.name} does not know.`,
      remedy: `It knows ${known.join(", ")}, and any that comes with its tables and views.`,
      details: { kind, known },
    });
  }
  if (schemaVersion > presentation.schemaVersion) {
    throw new InputError({
      code: "elements/newer-result",
      message: `This result is of version ${schemaVersion} of ${kind}, and ${shows.name} here knows version ${presentation.schemaVersion}.`,
      remedy: "Take a newer @resolvent/elements.",
      details: { kind, schemaVersion, known: presentation.schemaVersion },
    });
  }
  try {
    const tables = checkTables(presentation.tables(result));
    return { tables, views: presentation.views(result) };
  } catch (cause) {
    // A result that was cut or changed by hand: what it lacks is met anywhere.
    throw new InputError({
      code: "elements/bad-result",
      message: `This result is not as results of the kind ${kind} are.`,
      remedy: "Make it again; a figure takes what --json prints, whole.",
      details: { kind },
      cause,
    });
  }
}

/** Whether a view is one of those that an element shows; means over prompts are in tables of a name of their own. */
function isShown({ table, mark }: View, { tables, marks }: Shows): boolean {
  const kind = table.replace(/-mean$/, "");
  return (tables?.includes(kind) ?? true) && (marks?.includes(mark) ?? true);
}

function warningsOf(result: Result): string[] {
  const { warnings } = Object(result);
  const told: unknown[] = Array.isArray(warnings) ? warnings : [];
  const within = certificatesOf(result).every(({ errors }) => errors.every((one) => one.within));
  const messages = told.flatMap((one) => {
    const { message } = Object(one);
    return typeof message === "string" ? [message] : [];
  });
  const more = messages.length - MOST_WARNINGS;
  return [
    ...(within ? [] : ["The parts do not add up to what was taken apart."]),
    ...messages.slice(0, MOST_WARNINGS),
    ...(more > 0 ? [`The result has ${more} more.`] : []),
  ];
}
