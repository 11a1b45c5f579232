/** Whether this build has the tile of 6 rows, for V8's revectorizer: said by build.mjs. */
declare const WIDE: bool;
