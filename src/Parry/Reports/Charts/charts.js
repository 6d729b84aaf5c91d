// Draws every chart of a page. A chart is an element that names the script element holding its Vega-Lite spec:
//   <div data-chart="accuracy"></div>
//   <script type="application/json" id="accuracy">{ "$schema": … }</script>
import embed from "vega-embed";

async function draw(element) {
  try {
    const source = document.getElementById(element.dataset.chart);
    if (!source) {
      throw new Error(`the page has no element with the id "${element.dataset.chart}"`);
    }

    await embed(element, JSON.parse(source.textContent), { actions: false, renderer: "svg" });
  } catch (error) {
    element.textContent = `This chart cannot be drawn: ${error.message}`;
  }
}

function drawAll() {
  document.querySelectorAll("[data-chart]").forEach(draw);
}

if (document.readyState === "loading") {
  document.addEventListener("DOMContentLoaded", drawAll);
} else {
  drawAll();
}
