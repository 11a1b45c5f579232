/** The system's browser, or the one that is named. */
export declare const chromiumPath: string;
/** Whether there is one. */
export declare const hasChromium: boolean;
/** What it is started with: without pages of its own beside those of a test. */
export declare const chromiumArgs: string[];
