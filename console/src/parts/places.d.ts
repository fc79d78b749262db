// Made by vite.config.ts from tools/places.mjs.
declare module "virtual:small-places" {
  export const ASPECT: number;
  export const RADIUS: number;
  /** Code, longitude, latitude. */
  export const PLACES: [string, number, number][];
}
