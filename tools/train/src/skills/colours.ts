import type { Random } from "../random.ts";
import { drawWhere } from "../tales/reserved.ts";
import { type Scene, twoOf } from "../tales/stage.ts";
import { animals, colours, type Noun, type Person } from "../tales/words.ts";

/** What colour each animal has, of two ways that agree on none: as it is told first, or painted anew. */
export type Coat = "first" | "new";

const FIRST: Readonly<Record<string, string>> = {
  ...{ cat: "black", dog: "brown", fox: "red", bird: "blue", horse: "brown", owl: "white" },
  ...{ bear: "black", hen: "red", duck: "yellow", frog: "green", goat: "white", mouse: "yellow" },
};

/** In the list of colours, a new coat is so many places after the first one. */
const FURTHER = 3;

/** The colour of an animal in a coat. */
function colourOf({ one }: Noun, coat: Coat): string {
  const first = colours.indexOf(FIRST[one] ?? "");
  return colours[(first + (coat === "first" ? 0 : FURTHER)) % colours.length] as string; // within the list
}

/** A sentence that says what colour an animal has. */
export interface Colouring {
  /** Everything up to the colour, without the space before it. */
  readonly prompt: string;
  readonly answer: string;
  /** The colour in the other coat. */
  readonly wrong: string;
  /** What follows the colour. */
  readonly rest: string;
}

type Form = (animal: Noun, a: Person) => readonly [prompt: string, rest: string];

const forms: readonly Form[] = [
  ({ one }) => [`What colour is the ${one}? The ${one} is`, "."],
  ({ one }, a) => [`"What colour is the ${one}?" asked ${a.name}. "It is`, `."`],
  ({ one }) => [`Every ${one} is`, "."],
  ({ many }) => [`All ${many} are`, "."],
  ({ one }, a) => [`${a.name} knew the colour of the ${one}:`, "."],
  ({ many }, a) => [`"All ${many}," said ${a.name}, "are`, `."`],
];

/** A colouring; form and animal are a combination that is kept for evaluation where `reserved`, else not. */
export function drawColouring(
  random: Random,
  person: Person,
  { coat, reserved }: { readonly coat: Coat; readonly reserved: boolean },
): Colouring {
  const { form, animal } = drawWhere(
    () => ({ form: random.below(forms.length), animal: random.pick(animals) }),
    (drawn) => ["colour", drawn.form, drawn.animal.one],
    reserved,
  );
  const [prompt, rest] = (forms[form] as Form)(animal, person); // below the count
  const other = coat === "first" ? "new" : "first";
  return { prompt, answer: colourOf(animal, coat), wrong: colourOf(animal, other), rest };
}

/** A scene that says what colour an animal has: nothing before it tells. */
export function colouring(coat: Coat): Scene {
  return (stage) => {
    const { random } = stage;
    const drawn = drawColouring(random, twoOf(stage)[0], { coat, reserved: false });
    return `${drawn.prompt} ${drawn.answer}${drawn.rest}`;
  };
}
