// Put into a copy of a report's page by tests/it/browser.rs: says to the page around it what a reader would stumble over.
addEventListener("load", () => {
  const wrong = [];
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  // WCAG 2.2, "relative luminance" and "contrast ratio".
  const luminance = (color) => {
    const [r, g, b] = numbers(color).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((numbers(color)[3] ?? 1) > 0.99) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const shown = (text) => (text.length > 40 ? text.slice(0, 40) + "…" : text);

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (texts.nextNode()) {
    const node = texts.currentNode;
    const element = node.parentElement;
    const text = node.data.trim();
    if (!text || element.closest("script, style, title, desc") || !element.checkVisibility()) continue;
    count += 1;
    const style = getComputedStyle(element);
    const drawing = element.closest("svg");
    const [one, other] = [luminance(drawing ? style.fill : style.color), luminance(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) wrong.push(`contrast of ${contrast.toFixed(1)}: ${shown(text)}`);
    const size = parseFloat(style.fontSize) * (drawing ? element.getScreenCTM().a : 1);
    if (size < 9) wrong.push(`letters of ${size.toFixed(1)} pixels: ${shown(text)}`);
    if (element.closest(".wide") && !element.closest(".said")) {
      for (const word of node.data.matchAll(/\w{2,40}/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((line) => line.top));
        if (lines.size > 1) wrong.push(`torn apart: ${word[0]}`);
      }
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) {
    wrong.push(`${document.documentElement.scrollWidth} pixels wide in a window of ${innerWidth}`);
  }
  const page = luminance(behind(document.body));
  parent.postMessage(JSON.stringify({ wrong: [...new Set(wrong)], texts: count, page }), "*");
});
