export {
  addDifferenceStored,
  addStored,
  encode,
  movedStored,
  scaledStored,
  stored,
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
  onto,
  product,
  products,
  scaled,
  sizes,
  variance,
  zeros,
} from "./vectors";
export { between, byRank, count, gather, random, randomBy, uniform, where } from "./chosen";
