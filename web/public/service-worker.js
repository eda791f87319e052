// The offline shell. Files with a hash in their name never change, so they are kept; the page is
// fetched anew whenever there is a network. Nothing of the interface (/v1) is ever kept: a stock
// figure of yesterday would be worse than none.
const SHELL = 'dibs-shell-1';
const FILES_MAX = 80;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      .then((cache) => cache.addAll(['/', '/theme.js', '/icon.svg', '/manifest.webmanifest']))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((n) => n !== SHELL).map((n) => caches.delete(n))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith('/assets/')) event.respondWith(fromCacheFirst(request));
  else if (request.mode === 'navigate' && isPage(url.pathname)) {
    event.respondWith(pageFromNetworkFirst(request));
  }
});

// What the page loaded before this worker was there.
self.addEventListener('message', (event) => {
  const { type, files } = event.data ?? {};
  if (type !== 'keep' || !Array.isArray(files)) return;
  const assets = files.filter((file) => /^\/assets\/[\w.-]+$/.test(file)).slice(0, FILES_MAX);
  event.waitUntil(
    Promise.all(assets.map((file) => fromCacheFirst(new Request(file)).catch(() => {}))),
  );
});

/** Addresses that the server answers itself are not pages of the app. */
function isPage(path) {
  return !/^\/(v1|docs|openapi\.json|livez|readyz|metrics)(\/|$)/.test(path);
}

async function fromCacheFirst(request) {
  const cache = await caches.open(SHELL);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept !== undefined) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    await forgetOldest(cache);
  }
  return answer;
}

async function pageFromNetworkFirst(request) {
  const cache = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await cache.put('/', answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match('/', { ignoreVary: true });
    if (kept !== undefined) return kept;
    throw error;
  }
}

async function forgetOldest(cache) {
  const assets = (await cache.keys()).filter((r) => new URL(r.url).pathname.startsWith('/assets/'));
  for (const request of assets.slice(0, Math.max(0, assets.length - FILES_MAX))) {
    await cache.delete(request);
  }
}
