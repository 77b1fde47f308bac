export function show(report) {
  const result = document.createElement('output');
  result.id = 'result';
  result.textContent = JSON.stringify(report);
  document.body.append(result);
}

export const config = async () => (await fetch('/config.json')).json();
