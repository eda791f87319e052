import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { DropPage } from '../drops/drop-page.tsx';
import { HomePage } from '../drops/home-page.tsx';
import { safeNext } from '../people/credentials.ts';
import { BrokenPage } from './broken-page.tsx';
import { Frame } from './frame.tsx';
import { Loading } from './loading.tsx';
import { NotFoundPage } from './not-found-page.tsx';

/** All screens. Home and drop come with the first load, since a crowd lands there; others later. */
const root = createRootRoute({ component: Frame, notFoundComponent: NotFoundPage });

const at = () => root;

const home = createRoute({ getParentRoute: at, path: '/', component: HomePage });
const drop = createRoute({ getParentRoute: at, path: '/drops/$dropId', component: DropPage });
const signIn = createRoute({
  getParentRoute: at,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    const next = safeNext(search['next']);
    return next === undefined ? {} : { next };
  },
  component: lazyRouteComponent(() => import('../people/sign-in-page.tsx'), 'SignInPage'),
});
const profile = createRoute({
  getParentRoute: at,
  path: '/profile',
  component: lazyRouteComponent(() => import('../people/profile-page.tsx'), 'ProfilePage'),
});
const orders = createRoute({
  getParentRoute: at,
  path: '/orders',
  component: lazyRouteComponent(() => import('../orders/orders-page.tsx'), 'OrdersPage'),
});
const order = createRoute({
  getParentRoute: at,
  path: '/orders/$orderId',
  component: lazyRouteComponent(() => import('../orders/order-page.tsx'), 'OrderPage'),
});
const studio = createRoute({
  getParentRoute: at,
  path: '/studio',
  component: lazyRouteComponent(() => import('../studio/studio-page.tsx'), 'StudioPage'),
});
const studioNew = createRoute({
  getParentRoute: at,
  path: '/studio/new',
  component: lazyRouteComponent(() => import('../studio/new-drop-page.tsx'), 'NewDropPage'),
});
const studioLive = createRoute({
  getParentRoute: at,
  path: '/studio/$dropId',
  component: lazyRouteComponent(() => import('../studio/live-page.tsx'), 'StudioLivePage'),
});
const verify = createRoute({
  getParentRoute: at,
  path: '/verify',
  validateSearch: (search: Record<string, unknown>): { contest?: string } => {
    const { contest } = search;
    return typeof contest === 'string' && /^[0-9a-f-]{36}$/.test(contest) ? { contest } : {};
  },
  component: lazyRouteComponent(() => import('../verify/verify-page.tsx'), 'VerifyPage'),
});
const sandbox = createRoute({
  getParentRoute: at,
  path: '/pay/sandbox/$payment',
  component: lazyRouteComponent(() => import('../pay/sandbox-page.tsx'), 'SandboxPage'),
});

const routeTree = root.addChildren([
  home,
  drop,
  signIn,
  profile,
  orders,
  order,
  studio,
  studioNew,
  studioLive,
  verify,
  sandbox,
]);

export function createAppRouter() {
  return createRouter({
    routeTree,
    scrollRestoration: true,
    defaultPreload: 'intent',
    defaultPendingComponent: Loading,
    defaultErrorComponent: BrokenPage,
    defaultNotFoundComponent: NotFoundPage,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
