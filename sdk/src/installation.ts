import type { CallOptions, Transport } from './transport.ts';
import type {
  Crowd,
  CrowdRequest,
  Installation,
  SignedIn,
  SyntheticPeople,
  SyntheticRemoved,
} from './wire/shapes.ts';

/** What this installation is. */
export function installationCalls(transport: Transport) {
  return {
    get(options?: CallOptions): Promise<Installation> {
      return transport.call({ name: 'installation' }, options);
    },
  };
}

/** What a demo offers beyond. */
export function demoCalls(transport: Transport) {
  return {
    /** Signs in as one of the demo's people. */
    async enter(name: string, options?: CallOptions): Promise<SignedIn> {
      const request = { name: 'demoIdentity', path: { name } } as const;
      const signedIn = await transport.call<SignedIn>(request, options);
      transport.credentials.accept(signedIn);
      return signedIn;
    },
    /** Lets a synthetic crowd loose on a drop. */
    crowd(crowd: CrowdRequest, options?: CallOptions): Promise<Crowd> {
      return transport.call({ name: 'demoCrowd', body: crowd }, options);
    },
  };
}

/** For admins: throw-away people for load tests. */
export function adminCalls(transport: Transport) {
  return {
    mintSynthetic(request: { count: number }, options?: CallOptions): Promise<SyntheticPeople> {
      return transport.call({ name: 'mintSynthetic', body: request }, options);
    },
    removeSynthetic(options?: CallOptions): Promise<SyntheticRemoved> {
      return transport.call({ name: 'removeSynthetic' }, options);
    },
  };
}
