import { fragmentAt } from "./address.ts";
import { placeWith } from "./embed.ts";
import { fragmentOf, type Place, placeOf, START } from "./fragment.ts";
import { Trail } from "./trail.ts";

/** Where somebody is: what the address says, and the steps that Back undoes. */
export class Where {
  place: Place = $state.raw(START);
  /** The panel that stands alone in another page, by its name; null where all of the lab is there. */
  embedded: string | null = $state(null);
  /** Undefined while it is made into HTML. */
  #trail: Trail | undefined;

  /** Is where an address says, before anything is shown. */
  arrive(fragment: string): void {
    const read = placeOf(fragment);
    if (!("message" in read)) this.place = this.in(read.place);
  }

  /** Goes with the address of a window from now on; `hear` is told what it says, now and whenever somebody changes it. */
  follow(
    window: Window,
    hear: (fragment: string) => Promise<void>,
    failed: (error: unknown) => void,
  ): void {
    this.#trail = new Trail(window);
    const read = async (): Promise<void> => {
      const { hash } = window.location;
      try {
        const fragment = await fragmentAt({ hash });
        // Somebody may have gone on.
        if (hash === window.location.hash) await hear(fragment);
      } catch (error) {
        failed(error);
      }
    };
    window.addEventListener("popstate", () => void read()); // of fragments that somebody types too
    void read();
  }

  /** A place as it is where one panel stands alone in another page. */
  in(place: Place): Place {
    return this.embedded === null ? place : placeWith(place, this.embedded);
  }

  /** Says more exactly where it is. */
  mend(place: Place): void {
    this.place = place;
    this.#trail?.mend(fragmentOf(place));
  }

  /** Goes to a place, which the address then has; Back undoes it, unless it goes on with the last step, or is none. */
  go(place: Place, kind: string | null): void {
    const fragment = fragmentOf(place);
    const stays = fragment === fragmentOf(this.place);
    this.place = place;
    if (!stays) this.#trail?.go(fragment, kind);
  }

  /** One step back. */
  back(): void {
    this.#trail?.back();
  }

  /** One step forward again. */
  forward(): void {
    this.#trail?.forward();
  }
}
