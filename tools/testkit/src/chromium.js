import { existsSync } from "node:fs";

/** The system's browser, or the one that is named. */
export const chromiumPath = process.env.RESOLVENT_CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is one. */
export const hasChromium = existsSync(chromiumPath);

/**
 * What is left out of it: for each window Chromium loads two pages of its own address bar, which take a second of a
 * processor while a test is at work beside them. A list takes the place of the driver's: what that leaves out is named too.
 */
const LEFT_OUT = [
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"],
  ...["AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"],
  ...["HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding"],
  ...["ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"],
  ...["OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"],
];

/** What it is started with: without pages of its own beside those of a test. */
export const chromiumArgs = ["--no-sandbox", `--disable-features=${LEFT_OUT.join(",")}`];
