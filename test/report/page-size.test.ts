/** Many machines and every suite: the page stays small enough to be sent around. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { POINTS } from "../../src/report/model/percentile-curve.js";
import { reportModel } from "../../src/report/model/report-model.js";
import { htmlPage } from "../../src/report/page/html-page.js";
import { fiftyMachines } from "./made-up-results.js";

test("a page of 50 results of every suite is smaller than 5 MB, and its curves have 200 points at most", () => {
  const model = reportModel(fiftyMachines());
  assert.equal(model.machines.length, 50);
  assert.ok(model.tables.reduce((sum, { rows }) => sum + rows.length, 0) > 50 * 150);
  const curves = model.charts.filter(({ x }) => x.scale === "percentile").flatMap(({ series }) => series);
  assert.ok(curves.length >= 100);
  for (const { points } of curves) assert.ok(points.length > 100 && points.length <= POINTS);
  assert.equal(POINTS, 200);
  const bytes = Buffer.byteLength(htmlPage(model));
  assert.ok(bytes < 5e6, `${bytes} bytes`);
});
