import { dropProjection } from './project-drop.ts';
import type { KindProjection } from './projection.ts';

/** How each kind of contest becomes rows; a new kind is one file and one line here. */
export const PROJECTIONS: Readonly<Record<string, KindProjection>> = { drop: dropProjection };
