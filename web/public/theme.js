// Before the first paint, so that a chosen theme never flashes. A file of its own: the content
// security policy allows no inline scripts.
try {
  const theme = localStorage.getItem('dibs.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme then applies.
}
