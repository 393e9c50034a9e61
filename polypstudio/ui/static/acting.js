// Buttons and inputs inside an HTML component: whatever has `data-act` tells the server what is asked, with its other
// data and the values of all named inputs. One listener on the component survives each redraw of what is in it.
function values() {
  const found = {};
  for (const input of element.querySelectorAll("[name]")) {
    if (input.type !== "checkbox") found[input.name] = input.value;
    else if (input.hasAttribute("value")) {
      found[input.name] ??= [];
      if (input.checked) found[input.name].push(input.value);
    } else found[input.name] = input.checked;
  }
  return found;
}

function act(from) {
  if (from.dataset.sure && !window.confirm(from.dataset.sure)) return;
  trigger("submit", { ...from.dataset, choice: from.value ?? "", values: values() });
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button && !button.disabled) act(button);
});
element.addEventListener("change", (event) => {
  if (event.target.matches("select[data-act]")) act(event.target);
});
