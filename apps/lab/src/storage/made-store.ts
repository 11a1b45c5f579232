/** The folder of private storage that has a folder for each model that was made in the page. */
export const MADE_STORE = "resolvent-made";
