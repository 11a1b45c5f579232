import { createContext } from "svelte";
import type { Lab } from "../state/lab.svelte.ts";

const [get, set] = createContext<Lab>();

/** The lab, for components that stand anywhere below the app. */
export const currentLab: () => Lab = get;

/** Gives it to all components below the one that says so. */
export const provideLab: (lab: Lab) => void = set;
