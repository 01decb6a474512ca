/**
 * uPlot without a browser: its CommonJS build is compiled with a small DOM as parameters and draws on @napi-rs/canvas. Nothing
 * global is touched, so it works in worker threads and beside any other DOM.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { compileFunction } from "node:vm";
import type { Canvas } from "@napi-rs/canvas";
import type uPlot from "uplot";
import { SlotmarkError } from "../errors.js";

type CanvasModule = typeof import("@napi-rs/canvas");

/** The family under which the font is registered: what it is called elsewhere on the machine does not matter. */
export const PICTURE_FONT = "Slotmark Inter";
const FONT_FILES = ["400", "600"].map(
  (weight) => `@fontsource/inter/files/inter-latin-${weight}-normal.woff2`,
);

const require = createRequire(import.meta.url);

/** @throws SlotmarkError `pictures-need-a-package` (input) */
function optional<Module>(load: () => Module): Module {
  try {
    return load();
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    throw new SlotmarkError(
      "input",
      "pictures-need-a-package",
      `pictures need the optional packages @napi-rs/canvas and @fontsource/inter (${reason})`,
      "Add them in slotmark's folder: npm install --include=optional",
    );
  }
}

let loaded: CanvasModule | undefined;

/** With the font registered: without one no text would appear. @throws SlotmarkError `pictures-need-a-package` */
export function canvasModule(): CanvasModule {
  if (loaded !== undefined) return loaded;
  const canvas = optional(() => require("@napi-rs/canvas") as CanvasModule);
  const { GlobalFonts } = canvas;
  // Fonts are the process's: another thread may have registered it.
  if (!GlobalFonts.has(PICTURE_FONT)) {
    for (const file of FONT_FILES) {
      optional(() => GlobalFonts.register(readFileSync(require.resolve(file)), PICTURE_FONT));
    }
  }
  loaded = canvas;
  return canvas;
}

/** What uPlot asks of an element that nobody sees. */
class Element {
  readonly style: Record<string, string> = {};
  readonly childNodes: Element[] = [];
  readonly classList = { add: noop, remove: noop, contains: () => false };
  textContent = "";
  readonly addEventListener = noop;
  readonly removeEventListener = noop;
  readonly remove = noop;
  insertBefore<Node>(child: Node): Node {
    return child;
  }
  appendChild<Node>(child: Node): Node {
    return child;
  }
  getBoundingClientRect() {
    return { left: 0, top: 0, width: 0, height: 0, right: 0, bottom: 0, x: 0, y: 0 };
  }
}

function noop(): void {}

interface LoadedUplot {
  readonly constructChart: (options: uPlot.Options, data: uPlot.AlignedData) => uPlot;
  readonly flush: () => void;
}

function loadUplot(canvas: CanvasModule, pixelRatio: number): LoadedUplot {
  const path = require.resolve("uplot");
  const tasks: (() => void)[] = [];
  const document = {
    body: new Element(),
    createElement: (tag: string) =>
      tag === "canvas" ? Object.assign(canvas.createCanvas(1, 1), elementParts()) : new Element(),
  };
  const window = { ...elementParts(), dispatchEvent: noop };
  const module = { exports: undefined as unknown };
  const parameters: Record<string, unknown> = {
    module,
    exports: {},
    window,
    document,
    navigator: { language: "en-GB" },
    devicePixelRatio: pixelRatio,
    matchMedia: () => new Element(),
    CustomEvent: class {},
    Path2D: canvas.Path2D,
    // Drawn when the caller says so, not some time later.
    queueMicrotask: (task: () => void) => tasks.push(task),
    requestAnimationFrame: noop,
    HTMLElement: Element,
  };
  const run = compileFunction(readFileSync(path, "utf8"), Object.keys(parameters), { filename: path });
  run(...Object.values(parameters));
  const Uplot = module.exports as new (
    options: uPlot.Options,
    data: uPlot.AlignedData,
    place: (chart: uPlot, start: () => void) => void,
  ) => uPlot;
  return {
    constructChart: (options, data) => new Uplot(options, data, (_, start) => start()),
    flush: () => {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task();
    },
  };
}

function elementParts() {
  return {
    style: {},
    classList: { add: noop, remove: noop, contains: () => false },
    addEventListener: noop,
    removeEventListener: noop,
    remove: noop,
  };
}

const byRatio = new Map<number, LoadedUplot>();

/**
 * @param pixelRatio canvas pixels per CSS pixel of the options
 * @returns the canvas that it was drawn on
 * @throws SlotmarkError `pictures-need-a-package` (input)
 */
export function drawChart(options: uPlot.Options, data: uPlot.AlignedData, pixelRatio: number): Canvas {
  const uplot = byRatio.get(pixelRatio) ?? loadUplot(canvasModule(), pixelRatio);
  byRatio.set(pixelRatio, uplot);
  const chart = uplot.constructChart(options, data);
  uplot.flush();
  return chart.ctx.canvas as unknown as Canvas;
}
