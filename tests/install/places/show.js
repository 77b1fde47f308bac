export function show(told) {
  const result = document.createElement('output');
  result.id = 'result';
  result.textContent = JSON.stringify(told);
  document.body.append(result);
}

export const config = async () => (await fetch('/config.json')).json();
