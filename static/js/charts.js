// Charts in the house's colours. A page calls, in its own small file:
//   drawChart(document.getElementById("trend"), (tones) => ({ series: [{ color: tones.blue, … }] }));
// `tones` holds blue, teal, amber, purple, green, red, grey, ink, ink2, line and surface of the present
// theme; the chart is drawn anew when the theme changes and resized with its box. The box needs a height
// from a class and an aria-label; the same numbers stand in a table beside it.
(function () {
  "use strict";
  const NAMES = { blue: "--chart-blue", teal: "--chart-teal", amber: "--chart-amber", purple: "--chart-purple", green: "--chart-green", red: "--chart-red", grey: "--chart-grey", ink: "--ink", ink2: "--ink-2", line: "--line", surface: "--surface" };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);

  // light-dark() is resolved only when the variable is used as a colour.
  function tones() {
    return Object.fromEntries(Object.entries(NAMES).map(function ([name, variable]) {
      probe.style.color = `var(${variable})`;
      return [name, getComputedStyle(probe).color];
    }));
  }

  const axis = (t) => ({
    axisLine: { lineStyle: { color: t.line } }, axisTick: { show: false },
    axisLabel: { color: t.ink2 }, splitLine: { lineStyle: { color: t.line } }, nameTextStyle: { color: t.ink2 },
  });

  // What every chart shares; a page's own option wins.
  function dress(option, t) {
    const fit = (value) => [value || []].flat().map((one) => ({ ...axis(t), ...one }));
    return {
      animation: !calm, animationDuration: 250,
      grid: { left: 8, right: 12, top: 40, bottom: 8, containLabel: true },
      color: [t.blue, t.teal, t.amber, t.purple, t.green, t.grey],
      aria: { enabled: true },
      ...option,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: t.ink },
      tooltip: { renderMode: "richText", confine: true, backgroundColor: t.surface, borderColor: t.line, textStyle: { color: t.ink }, ...option.tooltip },
      ...(option.legend ? { legend: { textStyle: { color: t.ink }, icon: "roundRect", top: 0, left: 0, ...option.legend } } : {}),
      ...(option.xAxis ? { xAxis: fit(option.xAxis) } : {}),
      ...(option.yAxis ? { yAxis: fit(option.yAxis) } : {}),
    };
  }

  window.drawChart = function (element, build) {
    const chart = echarts.init(element, null, { renderer: "canvas" });
    const draw = function () {
      const t = tones();
      chart.setOption(dress(build(t), t), true);
    };
    document.addEventListener("themechange", draw);
    new ResizeObserver(() => chart.resize()).observe(element);
    draw();
    return chart;
  };
})();
