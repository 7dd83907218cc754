// The two charts of the statistics, drawn from the numbers of the tables (#chart-data). A click on a bar
// opens its cases, as the number in the table does.
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const words = document.getElementById("chart-words").dataset;

  function go(url) {
    if (url) location.assign(url);
  }

  const causes = document.getElementById("chart-causes");
  drawChart(causes, function (t) {
    const rows = [...data.causes].reverse();
    return {
      legend: { data: [{ name: words.own }, { name: words.typical }] },
      grid: { left: 8, right: 48, top: 34, bottom: 4, containLabel: true },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, valueFormatter: (value) => `${value}%` },
      xAxis: { type: "value", show: false, max: (range) => Math.max(60, range.max) },
      yAxis: { type: "category", data: rows.map((row) => row.name), axisLine: { show: false }, axisLabel: { color: t.ink } },
      series: [
        { name: words.typical, type: "bar", barWidth: 8, barGap: "30%", cursor: "default", color: t.grey, itemStyle: { borderRadius: 3, opacity: .4 },
          data: rows.map((row) => row.typical), label: { show: true, position: "right", opacity: 1, color: t.ink2, fontSize: 11, formatter: "{c}%" } },
        { name: words.own, type: "bar", barWidth: 14, color: t.ink2,
          data: rows.map((row) => ({ value: row.percent, itemStyle: { color: t[row.tone], borderRadius: 4 } })),
          label: { show: true, position: "right", color: t.ink, fontWeight: 600, formatter: "{c}%" } },
      ],
    };
  }).on("click", function (hit) {
    if (hit.seriesName === words.own) go([...data.causes].reverse()[hit.dataIndex].url);
  });

  // The legend takes as many rows as its words need: about 8 px a letter, 14 a Chinese one, 36 for the mark.
  function legendRows(width) {
    let rows = 1, used = 0;
    for (const { name } of data.stack) {
      const need = 36 + [...name].reduce((sum, letter) => sum + (letter > "\u2e80" ? 14 : 8), 0);
      if (used && used + need > width) [rows, used] = [rows + 1, 0];
      used += need;
    }
    return rows;
  }

  const trend = document.getElementById("chart-trend");
  drawChart(trend, function (t) {
    return {
      legend: {},
      grid: { left: 8, right: 12, top: 18 + 22 * legendRows(trend.clientWidth - 16), bottom: 8, containLabel: true },
      tooltip: { trigger: "axis", axisPointer: { type: "shadow" } },
      xAxis: { type: "category", data: data.days.map((day) => day.day), splitLine: { show: false }, axisLabel: { color: t.ink2, hideOverlap: true } },
      yAxis: { type: "value", minInterval: 1, axisLine: { show: false } },
      series: data.stack.map((cause, place) => ({
        name: cause.name, type: "bar", stack: "cases", color: t[cause.tone], barMaxWidth: 26,
        data: data.days.map((day) => day.counts[place]),
      })),
    };
  }).on("click", (hit) => go(data.days[hit.dataIndex].urls[hit.seriesIndex]));
})();
