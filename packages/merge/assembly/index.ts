export {
  addDifferenceStored,
  addStored,
  combinedStored,
  encode,
  movedStored,
  scaledStored,
  stored,
  triangleStored,
} from "./stored";
export {
  add,
  addScaled,
  divided,
  elect,
  fused,
  minus,
  mixed,
  near,
  ninefold,
  onto,
  product,
  products,
  scaled,
  sizes,
  variance,
  zeros,
} from "./vectors";
export { between, byRank, count, gather, random, randomBy, uniform, where } from "./chosen";
