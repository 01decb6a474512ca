/** One chart of the page: drawn when it comes into sight, again when size, colours or what is switched on change. */
import type uPlot from "uplot";
import { AGAINST_ID } from "../../charts/against-chart.js";
import { NARROW, ROW_NAME_SIZE } from "../../charts/chart-painting.js";
import type { ChartSpec } from "../../charts/chart-spec.js";
import { type ChartTheme, chartTheme } from "../../charts/chart-theme.js";
import { paintSwatch, SWATCH_WIDTH } from "../../charts/legend-swatch.js";
import { drawableChart } from "../../charts/uplot-options.js";
import { make } from "./element.js";
import { chartRows, readingAt } from "./reading.js";

/** So many machines are shown at first; all others can be switched on. */
const SHOWN_AT_FIRST = 8;
const PRINTED_WIDTH = 900;

type Uplot = new (options: uPlot.Options, data: uPlot.AlignedData, place: HTMLElement) => uPlot;

export class LiveChart {
  private readonly plot: HTMLElement;
  private readonly legend = make("fieldset", { class: "legend" });
  private readonly slider = make("input", { type: "range", min: "0", step: "1" });
  private readonly output = make("output");
  private readonly table = make(
    "details",
    { class: "plot-table" },
    make("summary", {}, "The picture as a table"),
  );
  private readonly hidden = new Set<number>();
  private chart: uPlot | null = null;
  private xValues: readonly number[] = [];
  private isSeen = false;
  private printing = false;

  constructor(
    readonly figure: HTMLElement,
    private spec: ChartSpec,
  ) {
    const plot = figure.querySelector<HTMLElement>(".plot");
    if (plot === null) throw new Error("a figure has a place for its plot");
    this.plot = plot;
    const label = make("label", {}, "Read at ", this.slider);
    plot.after(this.legend, make("div", { class: "reader" }, label, this.output));
    figure.append(this.table);
    this.slider.addEventListener("input", () => this.read(Number(this.slider.value)));
    this.table.addEventListener("toggle", () => this.fillTable());
    this.start();
    new IntersectionObserver(
      (entries, observer) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        this.isSeen = true;
        this.draw();
      },
      { rootMargin: "600px" },
    ).observe(figure);
    let width = 0;
    new ResizeObserver(() => {
      if (plot.clientWidth === width) return;
      width = plot.clientWidth;
      if (this.isSeen && !this.printing) this.draw();
    }).observe(plot);
  }

  get id(): string {
    return this.spec.id;
  }

  /** Another chart in its place: the same kind against another baseline. */
  replace(spec: ChartSpec): void {
    this.spec = spec;
    const title = this.figure.querySelector("h3");
    if (title !== null) title.textContent = spec.title;
    this.start();
    if (this.isSeen) this.draw();
  }

  /** On paper every chart is there, on white. */
  print(printing: boolean): void {
    this.printing = printing;
    if (printing || this.isSeen) this.draw();
    else this.clear();
  }

  draw(): void {
    this.clear();
    const theme = this.theme();
    const width = this.printing ? PRINTED_WIDTH : this.plot.clientWidth;
    if (width < 50) return;
    const narrow = width < NARROW;
    const rows = this.spec.y.rows?.length;
    const shown = this.spec.series.length - this.hidden.size;
    const perRow =
      Math.max(30, Math.min(6, shown) * (this.id === AGAINST_ID ? 14 : 18) + 10) +
      (narrow ? ROW_NAME_SIZE : 0);
    const { options, data, xValues } = drawableChart(this.spec, {
      theme,
      width,
      height: rows === undefined ? (narrow ? 300 : 400) : 70 + rows * perRow,
      hidden: this.hidden,
      fontSize: narrow ? 11 : 13,
      interactive: !this.printing,
    });
    options.hooks = { ...options.hooks, setCursor: [(chart) => this.point(chart.cursor.idx ?? null)] };
    const Uplot = Reflect.get(globalThis, "uPlot") as Uplot;
    this.chart = new Uplot(options, data, this.plot);
    // What it shows is in the table and the reader.
    this.plot.querySelector("canvas")?.setAttribute("aria-hidden", "true");
    this.xValues = this.spec.y.scale === "rows" ? [] : xValues;
    this.paintLegend(theme);
    const reader = this.slider.closest<HTMLElement>(".reader");
    if (reader !== null) reader.hidden = this.xValues.length === 0;
    this.slider.max = String(Math.max(0, this.xValues.length - 1));
    this.fillTable();
  }

  private clear(): void {
    this.chart?.destroy();
    this.chart = null;
  }

  private theme(): ChartTheme {
    const dark = !this.printing && matchMedia("(prefers-color-scheme: dark)").matches;
    return chartTheme(dark, "system-ui, sans-serif");
  }

  /** The legend anew, for the spec has other series. */
  private start(): void {
    this.hidden.clear();
    this.legend.replaceChildren(make("legend", { class: "hidden-text" }, `Series of: ${this.spec.title}`));
    const machines = [...new Set(this.spec.series.map(({ machine }) => machine))];
    for (const [index, series] of this.spec.series.entries()) {
      const isShown = machines.indexOf(series.machine) < SHOWN_AT_FIRST;
      if (!isShown) this.hidden.add(index);
      const box = make("input", { type: "checkbox" });
      box.checked = isShown;
      box.addEventListener("change", () => {
        if (box.checked) this.hidden.delete(index);
        else this.hidden.add(index);
        this.draw();
      });
      const swatch = make("canvas", { width: "60", height: "32", "aria-hidden": "true" });
      this.legend.append(make("label", {}, box, swatch, series.name));
    }
  }

  private paintLegend(theme: ChartTheme): void {
    for (const [index, canvas] of this.legend.querySelectorAll("canvas").entries()) {
      const context = canvas.getContext("2d");
      const series = this.spec.series[index];
      if (context === null || series === undefined) continue;
      context.setTransform(2, 0, 0, 2, 0, 0);
      context.clearRect(0, 0, SWATCH_WIDTH, 16);
      paintSwatch(context, series, 0, 8, theme);
    }
  }

  private shown() {
    return this.spec.series.filter((_, index) => !this.hidden.has(index));
  }

  private point(index: number | null): void {
    if (index === null || this.xValues[index] === undefined) return;
    this.slider.value = String(index);
    this.say(index);
  }

  private read(index: number): void {
    this.say(index);
    const position = this.chart?.data[0]?.[index];
    if (this.chart === null || position === undefined) return;
    this.chart.setCursor({ left: this.chart.valToPos(position, "x"), top: 10 }, false);
  }

  private say(index: number): void {
    const x = this.xValues[index];
    if (x === undefined) return;
    const text = readingAt(this.spec, this.shown(), x);
    this.output.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
  }

  private fillTable(): void {
    this.table.querySelector("div")?.remove();
    if (!this.table.open) return;
    const { heads, rows } = chartRows(this.spec, this.shown());
    const head = make(
      "thead",
      {},
      make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text || "Step"))),
    );
    const body = rows.map(([first = "", ...cells]) =>
      make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((text) => make("td", {}, text))),
    );
    const name = `${this.spec.title}, as a table`;
    const region = { class: "scroll", tabindex: "0", role: "region", "aria-label": name };
    this.table.append(make("div", region, make("table", {}, head, make("tbody", {}, ...body))));
  }
}
