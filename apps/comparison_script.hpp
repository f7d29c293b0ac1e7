// What moves on a comparison's page: the clip under its slider, values under the pointer. Without
// it the page is whole but for these.
#pragma once

namespace afterglow {

inline constexpr const char* kPageScript = R"js(
for (const player of document.querySelectorAll('.player')) {
  const range = player.querySelector('input'), output = player.querySelector('output');
  const button = player.querySelector('button');
  const columns = Number(player.dataset.columns), count = Number(range.max) + 1;
  const show = () => {
    player.style.setProperty('--column', range.value % columns);
    player.style.setProperty('--row', Math.floor(range.value / columns));
    output.textContent = 'frame ' + range.value;
  };
  let timer = null;
  button.addEventListener('click', () => {
    clearInterval(timer);
    timer = timer ? null : setInterval(() => {
      range.value = (Number(range.value) + 1) % count;
      show();
    }, 1000 / Number(player.dataset.fps));
    button.textContent = timer ? 'Pause' : 'Play';
  });
  range.addEventListener('input', show);
  show();
  player.hidden = false;
}
// What is folded away is printed, too.
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
});
for (const chart of document.querySelectorAll('svg.chart')) {
  const lines = [...chart.querySelectorAll('polyline[data-values]')];
  if (lines.length === 0) continue;
  const label = (line) => chart.querySelector('text[data-series="' + line.dataset.series + '"]');
  const names = new Map(lines.map((line) => [line, label(line).textContent]));
  const pointer = document.createElementNS(chart.namespaceURI, 'line');
  pointer.setAttribute('class', 'pointer');
  const reset = () => {
    pointer.remove();
    for (const line of lines) label(line).textContent = names.get(line);
  };
  chart.addEventListener('pointermove', (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
    const points = lines.map((line) => [...line.points]);
    const right = Math.max(...points.map((all) => all[all.length - 1].x));
    if (at.x > right + 4) return reset();
    lines.forEach((line, i) => {
      const distances = points[i].map((point) => Math.abs(point.x - at.x));
      const nearest = distances.indexOf(Math.min(...distances));
      label(line).textContent = names.get(line) + ': ' + line.dataset.values.split(' ')[nearest];
    });
    const y = points.flat().map((point) => point.y);
    pointer.setAttribute('x1', at.x);
    pointer.setAttribute('x2', at.x);
    pointer.setAttribute('y1', Math.min(...y));
    pointer.setAttribute('y2', Math.max(...y));
    chart.append(pointer);
  });
  chart.addEventListener('pointerleave', reset);
  for (const line of lines) {
    label(line).addEventListener('click', () => {
      for (const part of chart.querySelectorAll('[data-series="' + line.dataset.series + '"]')) {
        part.classList.toggle('off');
      }
    });
  }
}
)js";

}  // namespace afterglow
