/** The system's Chromium with a page from disk in it, as a reader opens a report; what it logs and asks for is kept. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface OpenOptions {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly javaScriptEnabled?: boolean;
}

export interface OpenPage {
  readonly page: Page;
  /** What the console and uncaught errors said. */
  readonly said: readonly string[];
  /** What was asked for besides the page itself. */
  readonly requests: readonly string[];
}

/** @returns a reason to skip; in CI a missing browser fails the tests */
export function whyNoChromium(): string | undefined {
  return existsSync(EXECUTABLE) || process.env.CI ? undefined : `there is no ${EXECUTABLE}`;
}

let browser: Promise<Browser> | undefined;
// Its profile is a new temporary folder, which it removes.
after(async () => (await browser)?.close());

/** In a context of its own, closed when the test ends. */
export async function openPage(t: TestContext, html: string, options: OpenOptions = {}): Promise<OpenPage> {
  const folder = mkdtempSync(join(tmpdir(), "slotmark-page-"));
  const file = join(folder, "report.html");
  writeFileSync(file, html);
  browser ??= chromium.launch({ executablePath: EXECUTABLE, headless: true, args: FLAGS });
  const context = await (await browser).newContext({
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.colorScheme ?? "light",
    javaScriptEnabled: options.javaScriptEnabled ?? true,
    offline: true,
  });
  t.after(async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const page = await context.newPage();
  const said: string[] = [];
  const requests: string[] = [];
  const address = pathToFileURL(file).href;
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) requests.push(request.url());
  });
  await page.goto(address);
  return { page, said, requests };
}

/** Scrolls to every picture and waits until it is drawn. */
export async function drawAll(page: Page): Promise<number> {
  const figures = page.locator("figure[data-chart]");
  const count = await figures.count();
  for (let index = 0; index < count; index++) {
    const figure = figures.nth(index);
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".plot canvas").waitFor();
  }
  return count;
}

/** Distinct colours and the share of pixels that are not background, of every picture that is drawn. */
export async function drawnPixels(page: Page): Promise<{ colours: number; share: number; hash: number }[]> {
  return page.evaluate(`[...document.querySelectorAll(".plot canvas")].map((canvas) => {
    // Read from a copy, for the browser warns of pictures that are read again and again.
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    let drawn = 0, hash = 0;
    const colours = new Set();
    for (const pixel of pixels) {
      if (pixel === 0) continue;
      drawn++;
      colours.add(pixel);
      hash = (Math.imul(hash, 31) + pixel) | 0;
    }
    return { colours: colours.size, share: drawn / pixels.length, hash };
  })`);
}
