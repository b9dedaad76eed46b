// Owns the schema checks of the documents that devices read. Generated from schemas/*.schema.json by `npm run generate`: change those instead.
// @ts-nocheck
import { isRange } from './model-version.ts';

const formats = { 'slipway-version-range': isRange };

/** Characters as people count them: a pair of surrogates is one. */
function lengthOf(text) {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

export const fitsModelManifest = validate20;
const schema31 = {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://slipway.dev/schemas/v1alpha1/model-manifest.schema.json","type":"object","additionalProperties":false,"required":["apiVersion","kind","metadata","spec"],"properties":{"apiVersion":{"const":"slipway.dev/v1alpha1"},"kind":{"const":"ModelManifest"},"metadata":{"type":"object","additionalProperties":false,"required":["name","version"],"properties":{"name":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"},"version":{"type":"string","pattern":"^[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,126}[A-Za-z0-9])?$"},"sequence":{"type":"integer","minimum":1,"maximum":1000000000},"description":{"type":"string","minLength":1,"maxLength":4000},"owner":{"type":"string","minLength":1,"maxLength":200},"useCase":{"type":"string","minLength":1,"maxLength":1000}}},"spec":{"type":"object","additionalProperties":false,"required":["framework","interface","variants"],"properties":{"framework":{"type":"string","pattern":"^[a-z0-9][a-z0-9._-]{0,63}$"},"lineage":{"type":"object","additionalProperties":false,"properties":{"parent":{"type":"string","pattern":"^[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,126}[A-Za-z0-9])?$"},"data":{"type":"string","minLength":1,"maxLength":500},"code":{"type":"string","minLength":1,"maxLength":500},"run":{"type":"string","pattern":"^https?://[^\\s]+$","maxLength":2048},"training":{"type":"object","additionalProperties":false,"properties":{"rounds":{"type":"integer","minimum":0,"maximum":9007199254740991},"participants":{"type":"integer","minimum":0,"maximum":9007199254740991},"convergence":{"type":"object","maxProperties":200,"propertyNames":{"pattern":"^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},"additionalProperties":{"type":"number"}}}}}},"metrics":{"type":"object","maxProperties":200,"propertyNames":{"pattern":"^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},"additionalProperties":{"type":"number"}},"interface":{"type":"object","additionalProperties":false,"required":["inputs","outputs"],"properties":{"inputs":{"type":"array","items":{"$ref":"#/$defs/InputTensor"},"maxItems":64,"minItems":1},"outputs":{"type":"array","items":{"$ref":"#/$defs/OutputTensor"},"maxItems":64,"minItems":1}}},"bom":{"type":"string","pattern":"^sha256:[0-9a-f]{64}$"},"confidence":{"type":"object","additionalProperties":false,"required":["least"],"properties":{"least":{"type":"number","minimum":0,"maximum":1}}},"variants":{"type":"array","items":{"$ref":"#/$defs/Variant"},"maxItems":64,"minItems":1},"compatibility":{"type":"object","additionalProperties":false,"properties":{"agent":{"type":"string","minLength":1,"maxLength":256,"format":"slipway-version-range"},"firmware":{"type":"string","minLength":1,"maxLength":256,"format":"slipway-version-range"},"inferenceCode":{"type":"string","minLength":1,"maxLength":256,"format":"slipway-version-range"},"groups":{"type":"array","items":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"},"maxItems":200},"features":{"type":"array","items":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"},"maxItems":64}}},"resources":{"type":"object","additionalProperties":false,"properties":{"memoryBytes":{"type":"integer","minimum":0,"maximum":1000000000000000},"diskBytes":{"type":"integer","minimum":0,"maximum":1000000000000000}}},"examples":{"type":"array","items":{"$ref":"#/$defs/ModelExample"},"maxItems":100},"parameters":{"type":"object","maxProperties":100,"propertyNames":{"pattern":"^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},"additionalProperties":{"type":["string","number","boolean"]}},"parameterLimits":{"type":"object","maxProperties":100,"propertyNames":{"pattern":"^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},"additionalProperties":{"$ref":"#/$defs/ParameterLimit"}},"health":{"type":"object","additionalProperties":false,"properties":{"warmUp":{"type":"object","additionalProperties":false,"properties":{"duration":{"type":"string","pattern":"^(?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$"},"inferences":{"type":"integer","minimum":1,"maximum":1000000000}}},"errorRate":{"type":"string","pattern":"^\\d{1,3}(?:\\.\\d{1,9})? ?%$"},"unknownRate":{"type":"string","pattern":"^\\d{1,3}(?:\\.\\d{1,9})? ?%$"},"latencyP95":{"type":"string","pattern":"^(?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$"},"latencyMean":{"type":"string","pattern":"^(?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$"},"maxCpuPercent":{"type":["number","string"],"minimum":0,"maximum":1000000,"pattern":"^\\d{1,7}(?:\\.\\d{1,3})?(?: for (?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6})?$"},"maxMemoryPercent":{"type":["number","string"],"minimum":0,"maximum":1000000,"pattern":"^\\d{1,7}(?:\\.\\d{1,3})?(?: for (?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6})?$"},"maxTemperatureCelsius":{"type":["number","string"],"minimum":0,"maximum":1000000,"pattern":"^\\d{1,7}(?:\\.\\d{1,3})?(?: for (?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6})?$"}}}}}},"$defs":{"ParameterLimit":{"type":"object","additionalProperties":false,"minProperties":1,"properties":{"least":{"type":"number"},"most":{"type":"number"},"oneOf":{"type":"array","items":{"type":["string","number","boolean"]},"minItems":1,"maxItems":100}}},"InputTensor":{"type":"object","additionalProperties":false,"required":["name","type","shape"],"properties":{"name":{"type":"string","minLength":1,"maxLength":512},"type":{"enum":["bool","uint8","uint16","uint32","uint64","int8","int16","int32","int64","float16","float32","float64","bytes"]},"shape":{"type":"array","items":{"type":"integer","minimum":-1,"maximum":2147483648},"maxItems":8}}},"OutputTensor":{"type":"object","additionalProperties":false,"required":["name","type","shape"],"properties":{"name":{"type":"string","minLength":1,"maxLength":512},"type":{"enum":["bool","uint8","uint16","uint32","uint64","int8","int16","int32","int64","float16","float32","float64","bytes"]},"shape":{"type":"array","items":{"type":"integer","minimum":-1,"maximum":2147483648},"maxItems":8},"classes":{"type":"array","items":{"type":"string","minLength":1,"maxLength":128},"maxItems":10000},"classCount":{"type":"integer","minimum":1,"maximum":100000},"scores":{"enum":["probabilities","logits"]},"kind":{"enum":["scalar","embedding","detections","text","classes"]},"centre":{"type":"number","minimum":-1000000000000000,"maximum":1000000000000000},"space":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}},"ModelFile":{"type":"object","additionalProperties":false,"required":["role","name","digest","sizeBytes","url"],"properties":{"role":{"enum":["model","data","labels","preprocess","postprocess"]},"name":{"type":"string","pattern":"^[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}$"},"digest":{"type":"string","pattern":"^sha256:[0-9a-f]{64}$"},"sizeBytes":{"type":"integer","minimum":1,"maximum":10000000000000},"url":{"type":"string","minLength":1,"maxLength":2048,"pattern":"^(?:https?://[^\\s/?#][^\\s#]*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+|[A-Za-z0-9_][A-Za-z0-9._/+-]*)$"}}},"Variant":{"type":"object","additionalProperties":false,"required":["platform","files"],"properties":{"platform":{"type":"string","pattern":"^(?:any|[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?)$"},"capabilities":{"type":"array","items":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"},"maxItems":32},"precision":{"type":"string","pattern":"^[a-z0-9][a-z0-9._-]{0,31}$"},"files":{"type":"array","items":{"$ref":"#/$defs/ModelFile"},"maxItems":32,"minItems":1}}},"ModelExample":{"type":"object","additionalProperties":false,"required":["name","inputs","expect"],"properties":{"name":{"type":"string","minLength":1,"maxLength":200},"inputs":{"type":"object","maxProperties":64,"propertyNames":{"pattern":"^[^\\s].{0,511}$"},"additionalProperties":{"type":"array","items":{"type":["number","string","boolean"]},"maxItems":20000}},"shapes":{"type":"object","maxProperties":128,"propertyNames":{"pattern":"^[^\\s].{0,511}$"},"additionalProperties":{"type":"array","items":{"type":"integer","minimum":1,"maximum":2147483648},"maxItems":8}},"expect":{"type":"object","additionalProperties":false,"properties":{"class":{"type":"string","minLength":1,"maxLength":128},"outputs":{"type":"object","maxProperties":64,"propertyNames":{"pattern":"^[^\\s].{0,511}$"},"additionalProperties":{"type":"array","items":{"type":["number","string","boolean"]},"maxItems":20000}},"tolerance":{"type":"number","minimum":0}},"minProperties":1}}}}};
const schema32 = {"type":"object","additionalProperties":false,"required":["name","type","shape"],"properties":{"name":{"type":"string","minLength":1,"maxLength":512},"type":{"enum":["bool","uint8","uint16","uint32","uint64","int8","int16","int32","int64","float16","float32","float64","bytes"]},"shape":{"type":"array","items":{"type":"integer","minimum":-1,"maximum":2147483648},"maxItems":8}}};
const schema33 = {"type":"object","additionalProperties":false,"required":["name","type","shape"],"properties":{"name":{"type":"string","minLength":1,"maxLength":512},"type":{"enum":["bool","uint8","uint16","uint32","uint64","int8","int16","int32","int64","float16","float32","float64","bytes"]},"shape":{"type":"array","items":{"type":"integer","minimum":-1,"maximum":2147483648},"maxItems":8},"classes":{"type":"array","items":{"type":"string","minLength":1,"maxLength":128},"maxItems":10000},"classCount":{"type":"integer","minimum":1,"maximum":100000},"scores":{"enum":["probabilities","logits"]},"kind":{"enum":["scalar","embedding","detections","text","classes"]},"centre":{"type":"number","minimum":-1000000000000000,"maximum":1000000000000000},"space":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}};
const schema36 = {"type":"object","additionalProperties":false,"required":["name","inputs","expect"],"properties":{"name":{"type":"string","minLength":1,"maxLength":200},"inputs":{"type":"object","maxProperties":64,"propertyNames":{"pattern":"^[^\\s].{0,511}$"},"additionalProperties":{"type":"array","items":{"type":["number","string","boolean"]},"maxItems":20000}},"shapes":{"type":"object","maxProperties":128,"propertyNames":{"pattern":"^[^\\s].{0,511}$"},"additionalProperties":{"type":"array","items":{"type":"integer","minimum":1,"maximum":2147483648},"maxItems":8}},"expect":{"type":"object","additionalProperties":false,"properties":{"class":{"type":"string","minLength":1,"maxLength":128},"outputs":{"type":"object","maxProperties":64,"propertyNames":{"pattern":"^[^\\s].{0,511}$"},"additionalProperties":{"type":"array","items":{"type":["number","string","boolean"]},"maxItems":20000}},"tolerance":{"type":"number","minimum":0}},"minProperties":1}}};
const schema37 = {"type":"object","additionalProperties":false,"minProperties":1,"properties":{"least":{"type":"number"},"most":{"type":"number"},"oneOf":{"type":"array","items":{"type":["string","number","boolean"]},"minItems":1,"maxItems":100}}};
const pattern4 = new RegExp("^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$", "u");
const pattern5 = new RegExp("^[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,126}[A-Za-z0-9])?$", "u");
const pattern6 = new RegExp("^[a-z0-9][a-z0-9._-]{0,63}$", "u");
const pattern8 = new RegExp("^https?://[^\\s]+$", "u");
const pattern9 = new RegExp("^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$", "u");
const pattern12 = new RegExp("^sha256:[0-9a-f]{64}$", "u");
const pattern21 = new RegExp("^[^\\s].{0,511}$", "u");
const pattern26 = new RegExp("^(?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$", "u");
const pattern27 = new RegExp("^\\d{1,3}(?:\\.\\d{1,9})? ?%$", "u");
const pattern31 = new RegExp("^\\d{1,7}(?:\\.\\d{1,3})?(?: for (?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6})?$", "u");
const func1 = lengthOf;
const func7 = Object.prototype.hasOwnProperty;
const schema34 = {"type":"object","additionalProperties":false,"required":["platform","files"],"properties":{"platform":{"type":"string","pattern":"^(?:any|[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?)$"},"capabilities":{"type":"array","items":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"},"maxItems":32},"precision":{"type":"string","pattern":"^[a-z0-9][a-z0-9._-]{0,31}$"},"files":{"type":"array","items":{"$ref":"#/$defs/ModelFile"},"maxItems":32,"minItems":1}}};
const schema35 = {"type":"object","additionalProperties":false,"required":["role","name","digest","sizeBytes","url"],"properties":{"role":{"enum":["model","data","labels","preprocess","postprocess"]},"name":{"type":"string","pattern":"^[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}$"},"digest":{"type":"string","pattern":"^sha256:[0-9a-f]{64}$"},"sizeBytes":{"type":"integer","minimum":1,"maximum":10000000000000},"url":{"type":"string","minLength":1,"maxLength":2048,"pattern":"^(?:https?://[^\\s/?#][^\\s#]*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+|[A-Za-z0-9_][A-Za-z0-9._/+-]*)$"}}};
const pattern13 = new RegExp("^(?:any|[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?)$", "u");
const pattern15 = new RegExp("^[a-z0-9][a-z0-9._-]{0,31}$", "u");
const pattern16 = new RegExp("^[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}$", "u");
const pattern18 = new RegExp("^(?:https?://[^\\s/?#][^\\s#]*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+|[A-Za-z0-9_][A-Za-z0-9._/+-]*)$", "u");

function validate21(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate21.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((data.platform === undefined) && (missing0 = "platform")) || ((data.files === undefined) && (missing0 = "files"))){
validate21.errors = [{instancePath,keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "platform") || (key0 === "capabilities")) || (key0 === "precision")) || (key0 === "files"))){
validate21.errors = [{instancePath,keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.platform !== undefined){
let data0 = data.platform;
const _errs2 = errors;
if(errors === _errs2){
if(typeof data0 === "string"){
if(!pattern13.test(data0)){
validate21.errors = [{instancePath:instancePath+"/platform",keyword:"pattern",params:{pattern: "^(?:any|[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?)$"}}];
return false;
}
}
else {
validate21.errors = [{instancePath:instancePath+"/platform",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.capabilities !== undefined){
let data1 = data.capabilities;
const _errs4 = errors;
if(errors === _errs4){
if(Array.isArray(data1)){
if(data1.length > 32){
validate21.errors = [{instancePath:instancePath+"/capabilities",keyword:"maxItems",params:{limit: 32}}];
return false;
}
else {
var valid1 = true;
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
let data2 = data1[i0];
const _errs6 = errors;
if(errors === _errs6){
if(typeof data2 === "string"){
if(!pattern4.test(data2)){
validate21.errors = [{instancePath:instancePath+"/capabilities/" + i0,keyword:"pattern",params:{pattern: "^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}];
return false;
}
}
else {
validate21.errors = [{instancePath:instancePath+"/capabilities/" + i0,keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs6 === errors;
if(!valid1){
break;
}
}
}
}
else {
validate21.errors = [{instancePath:instancePath+"/capabilities",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.precision !== undefined){
let data3 = data.precision;
const _errs8 = errors;
if(errors === _errs8){
if(typeof data3 === "string"){
if(!pattern15.test(data3)){
validate21.errors = [{instancePath:instancePath+"/precision",keyword:"pattern",params:{pattern: "^[a-z0-9][a-z0-9._-]{0,31}$"}}];
return false;
}
}
else {
validate21.errors = [{instancePath:instancePath+"/precision",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.files !== undefined){
let data4 = data.files;
const _errs10 = errors;
if(errors === _errs10){
if(Array.isArray(data4)){
if(data4.length > 32){
validate21.errors = [{instancePath:instancePath+"/files",keyword:"maxItems",params:{limit: 32}}];
return false;
}
else {
if(data4.length < 1){
validate21.errors = [{instancePath:instancePath+"/files",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid2 = true;
const len1 = data4.length;
for(let i1=0; i1<len1; i1++){
let data5 = data4[i1];
const _errs12 = errors;
const _errs13 = errors;
if(errors === _errs13){
if(data5 && typeof data5 == "object" && !Array.isArray(data5)){
let missing1;
if((((((data5.role === undefined) && (missing1 = "role")) || ((data5.name === undefined) && (missing1 = "name"))) || ((data5.digest === undefined) && (missing1 = "digest"))) || ((data5.sizeBytes === undefined) && (missing1 = "sizeBytes"))) || ((data5.url === undefined) && (missing1 = "url"))){
validate21.errors = [{instancePath:instancePath+"/files/" + i1,keyword:"required",params:{missingProperty: missing1}}];
return false;
}
else {
const _errs15 = errors;
for(const key1 in data5){
if(!(((((key1 === "role") || (key1 === "name")) || (key1 === "digest")) || (key1 === "sizeBytes")) || (key1 === "url"))){
validate21.errors = [{instancePath:instancePath+"/files/" + i1,keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs15 === errors){
if(data5.role !== undefined){
let data6 = data5.role;
const _errs16 = errors;
if(!(((((data6 === "model") || (data6 === "data")) || (data6 === "labels")) || (data6 === "preprocess")) || (data6 === "postprocess"))){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/role",keyword:"enum",params:{allowedValues: schema35.properties.role.enum}}];
return false;
}
var valid4 = _errs16 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data5.name !== undefined){
let data7 = data5.name;
const _errs17 = errors;
if(errors === _errs17){
if(typeof data7 === "string"){
if(!pattern16.test(data7)){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/name",keyword:"pattern",params:{pattern: "^[A-Za-z0-9_][A-Za-z0-9._+-]{0,126}$"}}];
return false;
}
}
else {
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/name",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid4 = _errs17 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data5.digest !== undefined){
let data8 = data5.digest;
const _errs19 = errors;
if(errors === _errs19){
if(typeof data8 === "string"){
if(!pattern12.test(data8)){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/digest",keyword:"pattern",params:{pattern: "^sha256:[0-9a-f]{64}$"}}];
return false;
}
}
else {
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/digest",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid4 = _errs19 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data5.sizeBytes !== undefined){
let data9 = data5.sizeBytes;
const _errs21 = errors;
if(!(((typeof data9 == "number") && (!(data9 % 1) && !isNaN(data9))) && (isFinite(data9)))){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/sizeBytes",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs21){
if((typeof data9 == "number") && (isFinite(data9))){
if(data9 > 10000000000000 || isNaN(data9)){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/sizeBytes",keyword:"maximum",params:{comparison: "<=", limit: 10000000000000}}];
return false;
}
else {
if(data9 < 1 || isNaN(data9)){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/sizeBytes",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid4 = _errs21 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data5.url !== undefined){
let data10 = data5.url;
const _errs23 = errors;
if(errors === _errs23){
if(typeof data10 === "string"){
if(func1(data10) > 2048){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/url",keyword:"maxLength",params:{limit: 2048}}];
return false;
}
else {
if(func1(data10) < 1){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/url",keyword:"minLength",params:{limit: 1}}];
return false;
}
else {
if(!pattern18.test(data10)){
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/url",keyword:"pattern",params:{pattern: "^(?:https?://[^\\s/?#][^\\s#]*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+|[A-Za-z0-9_][A-Za-z0-9._/+-]*)$"}}];
return false;
}
}
}
}
else {
validate21.errors = [{instancePath:instancePath+"/files/" + i1+"/url",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid4 = _errs23 === errors;
}
else {
var valid4 = true;
}
}
}
}
}
}
}
}
else {
validate21.errors = [{instancePath:instancePath+"/files/" + i1,keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs12 === errors;
if(!valid2){
break;
}
}
}
}
}
else {
validate21.errors = [{instancePath:instancePath+"/files",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs10 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate21.errors = [{instancePath,keyword:"type",params:{type: "object"}}];
return false;
}
}
validate21.errors = vErrors;
return errors === 0;
}
validate21.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

const formats0 = formats["slipway-version-range"];

function validate20(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
/*# sourceURL="https://slipway.dev/schemas/v1alpha1/model-manifest.schema.json" */;
let vErrors = null;
let errors = 0;
const evaluated0 = validate20.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((data.apiVersion === undefined) && (missing0 = "apiVersion")) || ((data.kind === undefined) && (missing0 = "kind"))) || ((data.metadata === undefined) && (missing0 = "metadata"))) || ((data.spec === undefined) && (missing0 = "spec"))){
validate20.errors = [{instancePath,keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "apiVersion") || (key0 === "kind")) || (key0 === "metadata")) || (key0 === "spec"))){
validate20.errors = [{instancePath,keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.apiVersion !== undefined){
const _errs2 = errors;
if("slipway.dev/v1alpha1" !== data.apiVersion){
validate20.errors = [{instancePath:instancePath+"/apiVersion",keyword:"const",params:{allowedValue: "slipway.dev/v1alpha1"}}];
return false;
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.kind !== undefined){
const _errs3 = errors;
if("ModelManifest" !== data.kind){
validate20.errors = [{instancePath:instancePath+"/kind",keyword:"const",params:{allowedValue: "ModelManifest"}}];
return false;
}
var valid0 = _errs3 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.metadata !== undefined){
let data2 = data.metadata;
const _errs4 = errors;
if(errors === _errs4){
if(data2 && typeof data2 == "object" && !Array.isArray(data2)){
let missing1;
if(((data2.name === undefined) && (missing1 = "name")) || ((data2.version === undefined) && (missing1 = "version"))){
validate20.errors = [{instancePath:instancePath+"/metadata",keyword:"required",params:{missingProperty: missing1}}];
return false;
}
else {
const _errs6 = errors;
for(const key1 in data2){
if(!((((((key1 === "name") || (key1 === "version")) || (key1 === "sequence")) || (key1 === "description")) || (key1 === "owner")) || (key1 === "useCase"))){
validate20.errors = [{instancePath:instancePath+"/metadata",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs6 === errors){
if(data2.name !== undefined){
let data3 = data2.name;
const _errs7 = errors;
if(errors === _errs7){
if(typeof data3 === "string"){
if(!pattern4.test(data3)){
validate20.errors = [{instancePath:instancePath+"/metadata/name",keyword:"pattern",params:{pattern: "^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/metadata/name",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs7 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.version !== undefined){
let data4 = data2.version;
const _errs9 = errors;
if(errors === _errs9){
if(typeof data4 === "string"){
if(!pattern5.test(data4)){
validate20.errors = [{instancePath:instancePath+"/metadata/version",keyword:"pattern",params:{pattern: "^[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,126}[A-Za-z0-9])?$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/metadata/version",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs9 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.sequence !== undefined){
let data5 = data2.sequence;
const _errs11 = errors;
if(!(((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5))) && (isFinite(data5)))){
validate20.errors = [{instancePath:instancePath+"/metadata/sequence",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs11){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 1000000000 || isNaN(data5)){
validate20.errors = [{instancePath:instancePath+"/metadata/sequence",keyword:"maximum",params:{comparison: "<=", limit: 1000000000}}];
return false;
}
else {
if(data5 < 1 || isNaN(data5)){
validate20.errors = [{instancePath:instancePath+"/metadata/sequence",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid1 = _errs11 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.description !== undefined){
let data6 = data2.description;
const _errs13 = errors;
if(errors === _errs13){
if(typeof data6 === "string"){
if(func1(data6) > 4000){
validate20.errors = [{instancePath:instancePath+"/metadata/description",keyword:"maxLength",params:{limit: 4000}}];
return false;
}
else {
if(func1(data6) < 1){
validate20.errors = [{instancePath:instancePath+"/metadata/description",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/metadata/description",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs13 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.owner !== undefined){
let data7 = data2.owner;
const _errs15 = errors;
if(errors === _errs15){
if(typeof data7 === "string"){
if(func1(data7) > 200){
validate20.errors = [{instancePath:instancePath+"/metadata/owner",keyword:"maxLength",params:{limit: 200}}];
return false;
}
else {
if(func1(data7) < 1){
validate20.errors = [{instancePath:instancePath+"/metadata/owner",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/metadata/owner",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs15 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data2.useCase !== undefined){
let data8 = data2.useCase;
const _errs17 = errors;
if(errors === _errs17){
if(typeof data8 === "string"){
if(func1(data8) > 1000){
validate20.errors = [{instancePath:instancePath+"/metadata/useCase",keyword:"maxLength",params:{limit: 1000}}];
return false;
}
else {
if(func1(data8) < 1){
validate20.errors = [{instancePath:instancePath+"/metadata/useCase",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/metadata/useCase",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid1 = _errs17 === errors;
}
else {
var valid1 = true;
}
}
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/metadata",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.spec !== undefined){
let data9 = data.spec;
const _errs19 = errors;
if(errors === _errs19){
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
let missing2;
if((((data9.framework === undefined) && (missing2 = "framework")) || ((data9.interface === undefined) && (missing2 = "interface"))) || ((data9.variants === undefined) && (missing2 = "variants"))){
validate20.errors = [{instancePath:instancePath+"/spec",keyword:"required",params:{missingProperty: missing2}}];
return false;
}
else {
const _errs21 = errors;
for(const key2 in data9){
if(!(func7.call(schema31.properties.spec.properties, key2))){
validate20.errors = [{instancePath:instancePath+"/spec",keyword:"additionalProperties",params:{additionalProperty: key2}}];
return false;
break;
}
}
if(_errs21 === errors){
if(data9.framework !== undefined){
let data10 = data9.framework;
const _errs22 = errors;
if(errors === _errs22){
if(typeof data10 === "string"){
if(!pattern6.test(data10)){
validate20.errors = [{instancePath:instancePath+"/spec/framework",keyword:"pattern",params:{pattern: "^[a-z0-9][a-z0-9._-]{0,63}$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/framework",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid2 = _errs22 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.lineage !== undefined){
let data11 = data9.lineage;
const _errs24 = errors;
if(errors === _errs24){
if(data11 && typeof data11 == "object" && !Array.isArray(data11)){
const _errs26 = errors;
for(const key3 in data11){
if(!(((((key3 === "parent") || (key3 === "data")) || (key3 === "code")) || (key3 === "run")) || (key3 === "training"))){
validate20.errors = [{instancePath:instancePath+"/spec/lineage",keyword:"additionalProperties",params:{additionalProperty: key3}}];
return false;
break;
}
}
if(_errs26 === errors){
if(data11.parent !== undefined){
let data12 = data11.parent;
const _errs27 = errors;
if(errors === _errs27){
if(typeof data12 === "string"){
if(!pattern5.test(data12)){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/parent",keyword:"pattern",params:{pattern: "^[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,126}[A-Za-z0-9])?$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/lineage/parent",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid3 = _errs27 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data11.data !== undefined){
let data13 = data11.data;
const _errs29 = errors;
if(errors === _errs29){
if(typeof data13 === "string"){
if(func1(data13) > 500){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/data",keyword:"maxLength",params:{limit: 500}}];
return false;
}
else {
if(func1(data13) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/data",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/lineage/data",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid3 = _errs29 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data11.code !== undefined){
let data14 = data11.code;
const _errs31 = errors;
if(errors === _errs31){
if(typeof data14 === "string"){
if(func1(data14) > 500){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/code",keyword:"maxLength",params:{limit: 500}}];
return false;
}
else {
if(func1(data14) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/code",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/lineage/code",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid3 = _errs31 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data11.run !== undefined){
let data15 = data11.run;
const _errs33 = errors;
if(errors === _errs33){
if(typeof data15 === "string"){
if(func1(data15) > 2048){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/run",keyword:"maxLength",params:{limit: 2048}}];
return false;
}
else {
if(!pattern8.test(data15)){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/run",keyword:"pattern",params:{pattern: "^https?://[^\\s]+$"}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/lineage/run",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid3 = _errs33 === errors;
}
else {
var valid3 = true;
}
if(valid3){
if(data11.training !== undefined){
let data16 = data11.training;
const _errs35 = errors;
if(errors === _errs35){
if(data16 && typeof data16 == "object" && !Array.isArray(data16)){
const _errs37 = errors;
for(const key4 in data16){
if(!(((key4 === "rounds") || (key4 === "participants")) || (key4 === "convergence"))){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training",keyword:"additionalProperties",params:{additionalProperty: key4}}];
return false;
break;
}
}
if(_errs37 === errors){
if(data16.rounds !== undefined){
let data17 = data16.rounds;
const _errs38 = errors;
if(!(((typeof data17 == "number") && (!(data17 % 1) && !isNaN(data17))) && (isFinite(data17)))){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/rounds",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs38){
if((typeof data17 == "number") && (isFinite(data17))){
if(data17 > 9007199254740991 || isNaN(data17)){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/rounds",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data17 < 0 || isNaN(data17)){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/rounds",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid4 = _errs38 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data16.participants !== undefined){
let data18 = data16.participants;
const _errs40 = errors;
if(!(((typeof data18 == "number") && (!(data18 % 1) && !isNaN(data18))) && (isFinite(data18)))){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/participants",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs40){
if((typeof data18 == "number") && (isFinite(data18))){
if(data18 > 9007199254740991 || isNaN(data18)){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/participants",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991}}];
return false;
}
else {
if(data18 < 0 || isNaN(data18)){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/participants",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid4 = _errs40 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data16.convergence !== undefined){
let data19 = data16.convergence;
const _errs42 = errors;
if(errors === _errs42){
if(data19 && typeof data19 == "object" && !Array.isArray(data19)){
if(Object.keys(data19).length > 200){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/convergence",keyword:"maxProperties",params:{limit: 200}}];
return false;
}
else {
for(const key5 in data19){
const _errs44 = errors;
if(typeof key5 === "string"){
if(!pattern9.test(key5)){
const err0 = {instancePath:instancePath+"/spec/lineage/training/convergence",keyword:"pattern",params:{pattern: "^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},propertyName:key5};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
var valid5 = _errs44 === errors;
if(!valid5){
const err1 = {instancePath:instancePath+"/spec/lineage/training/convergence",keyword:"propertyNames",params:{propertyName: key5}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate20.errors = vErrors;
return false;
break;
}
}
if(valid5){
for(const key6 in data19){
let data20 = data19[key6];
const _errs46 = errors;
if(!((typeof data20 == "number") && (isFinite(data20)))){
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/convergence/" + key6.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"type",params:{type: "number"}}];
return false;
}
var valid6 = _errs46 === errors;
if(!valid6){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training/convergence",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid4 = _errs42 === errors;
}
else {
var valid4 = true;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/lineage/training",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid3 = _errs35 === errors;
}
else {
var valid3 = true;
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/lineage",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs24 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.metrics !== undefined){
let data21 = data9.metrics;
const _errs48 = errors;
if(errors === _errs48){
if(data21 && typeof data21 == "object" && !Array.isArray(data21)){
if(Object.keys(data21).length > 200){
validate20.errors = [{instancePath:instancePath+"/spec/metrics",keyword:"maxProperties",params:{limit: 200}}];
return false;
}
else {
for(const key7 in data21){
const _errs50 = errors;
if(typeof key7 === "string"){
if(!pattern9.test(key7)){
const err2 = {instancePath:instancePath+"/spec/metrics",keyword:"pattern",params:{pattern: "^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},propertyName:key7};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
var valid7 = _errs50 === errors;
if(!valid7){
const err3 = {instancePath:instancePath+"/spec/metrics",keyword:"propertyNames",params:{propertyName: key7}};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
validate20.errors = vErrors;
return false;
break;
}
}
if(valid7){
for(const key8 in data21){
let data22 = data21[key8];
const _errs52 = errors;
if(!((typeof data22 == "number") && (isFinite(data22)))){
validate20.errors = [{instancePath:instancePath+"/spec/metrics/" + key8.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"type",params:{type: "number"}}];
return false;
}
var valid8 = _errs52 === errors;
if(!valid8){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/metrics",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs48 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.interface !== undefined){
let data23 = data9.interface;
const _errs54 = errors;
if(errors === _errs54){
if(data23 && typeof data23 == "object" && !Array.isArray(data23)){
let missing3;
if(((data23.inputs === undefined) && (missing3 = "inputs")) || ((data23.outputs === undefined) && (missing3 = "outputs"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface",keyword:"required",params:{missingProperty: missing3}}];
return false;
}
else {
const _errs56 = errors;
for(const key9 in data23){
if(!((key9 === "inputs") || (key9 === "outputs"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface",keyword:"additionalProperties",params:{additionalProperty: key9}}];
return false;
break;
}
}
if(_errs56 === errors){
if(data23.inputs !== undefined){
let data24 = data23.inputs;
const _errs57 = errors;
if(errors === _errs57){
if(Array.isArray(data24)){
if(data24.length > 64){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs",keyword:"maxItems",params:{limit: 64}}];
return false;
}
else {
if(data24.length < 1){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid10 = true;
const len0 = data24.length;
for(let i0=0; i0<len0; i0++){
let data25 = data24[i0];
const _errs59 = errors;
const _errs60 = errors;
if(errors === _errs60){
if(data25 && typeof data25 == "object" && !Array.isArray(data25)){
let missing4;
if((((data25.name === undefined) && (missing4 = "name")) || ((data25.type === undefined) && (missing4 = "type"))) || ((data25.shape === undefined) && (missing4 = "shape"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0,keyword:"required",params:{missingProperty: missing4}}];
return false;
}
else {
const _errs62 = errors;
for(const key10 in data25){
if(!(((key10 === "name") || (key10 === "type")) || (key10 === "shape"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0,keyword:"additionalProperties",params:{additionalProperty: key10}}];
return false;
break;
}
}
if(_errs62 === errors){
if(data25.name !== undefined){
let data26 = data25.name;
const _errs63 = errors;
if(errors === _errs63){
if(typeof data26 === "string"){
if(func1(data26) > 512){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/name",keyword:"maxLength",params:{limit: 512}}];
return false;
}
else {
if(func1(data26) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/name",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/name",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid12 = _errs63 === errors;
}
else {
var valid12 = true;
}
if(valid12){
if(data25.type !== undefined){
let data27 = data25.type;
const _errs65 = errors;
if(!(((((((((((((data27 === "bool") || (data27 === "uint8")) || (data27 === "uint16")) || (data27 === "uint32")) || (data27 === "uint64")) || (data27 === "int8")) || (data27 === "int16")) || (data27 === "int32")) || (data27 === "int64")) || (data27 === "float16")) || (data27 === "float32")) || (data27 === "float64")) || (data27 === "bytes"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/type",keyword:"enum",params:{allowedValues: schema32.properties.type.enum}}];
return false;
}
var valid12 = _errs65 === errors;
}
else {
var valid12 = true;
}
if(valid12){
if(data25.shape !== undefined){
let data28 = data25.shape;
const _errs66 = errors;
if(errors === _errs66){
if(Array.isArray(data28)){
if(data28.length > 8){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/shape",keyword:"maxItems",params:{limit: 8}}];
return false;
}
else {
var valid13 = true;
const len1 = data28.length;
for(let i1=0; i1<len1; i1++){
let data29 = data28[i1];
const _errs68 = errors;
if(!(((typeof data29 == "number") && (!(data29 % 1) && !isNaN(data29))) && (isFinite(data29)))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/shape/" + i1,keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs68){
if((typeof data29 == "number") && (isFinite(data29))){
if(data29 > 2147483648 || isNaN(data29)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/shape/" + i1,keyword:"maximum",params:{comparison: "<=", limit: 2147483648}}];
return false;
}
else {
if(data29 < -1 || isNaN(data29)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/shape/" + i1,keyword:"minimum",params:{comparison: ">=", limit: -1}}];
return false;
}
}
}
}
var valid13 = _errs68 === errors;
if(!valid13){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0+"/shape",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid12 = _errs66 === errors;
}
else {
var valid12 = true;
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs/" + i0,keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid10 = _errs59 === errors;
if(!valid10){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/inputs",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid9 = _errs57 === errors;
}
else {
var valid9 = true;
}
if(valid9){
if(data23.outputs !== undefined){
let data30 = data23.outputs;
const _errs70 = errors;
if(errors === _errs70){
if(Array.isArray(data30)){
if(data30.length > 64){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs",keyword:"maxItems",params:{limit: 64}}];
return false;
}
else {
if(data30.length < 1){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid14 = true;
const len2 = data30.length;
for(let i2=0; i2<len2; i2++){
let data31 = data30[i2];
const _errs72 = errors;
const _errs73 = errors;
if(errors === _errs73){
if(data31 && typeof data31 == "object" && !Array.isArray(data31)){
let missing5;
if((((data31.name === undefined) && (missing5 = "name")) || ((data31.type === undefined) && (missing5 = "type"))) || ((data31.shape === undefined) && (missing5 = "shape"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2,keyword:"required",params:{missingProperty: missing5}}];
return false;
}
else {
const _errs75 = errors;
for(const key11 in data31){
if(!(func7.call(schema33.properties, key11))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2,keyword:"additionalProperties",params:{additionalProperty: key11}}];
return false;
break;
}
}
if(_errs75 === errors){
if(data31.name !== undefined){
let data32 = data31.name;
const _errs76 = errors;
if(errors === _errs76){
if(typeof data32 === "string"){
if(func1(data32) > 512){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/name",keyword:"maxLength",params:{limit: 512}}];
return false;
}
else {
if(func1(data32) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/name",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/name",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid16 = _errs76 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.type !== undefined){
let data33 = data31.type;
const _errs78 = errors;
if(!(((((((((((((data33 === "bool") || (data33 === "uint8")) || (data33 === "uint16")) || (data33 === "uint32")) || (data33 === "uint64")) || (data33 === "int8")) || (data33 === "int16")) || (data33 === "int32")) || (data33 === "int64")) || (data33 === "float16")) || (data33 === "float32")) || (data33 === "float64")) || (data33 === "bytes"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/type",keyword:"enum",params:{allowedValues: schema33.properties.type.enum}}];
return false;
}
var valid16 = _errs78 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.shape !== undefined){
let data34 = data31.shape;
const _errs79 = errors;
if(errors === _errs79){
if(Array.isArray(data34)){
if(data34.length > 8){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/shape",keyword:"maxItems",params:{limit: 8}}];
return false;
}
else {
var valid17 = true;
const len3 = data34.length;
for(let i3=0; i3<len3; i3++){
let data35 = data34[i3];
const _errs81 = errors;
if(!(((typeof data35 == "number") && (!(data35 % 1) && !isNaN(data35))) && (isFinite(data35)))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/shape/" + i3,keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs81){
if((typeof data35 == "number") && (isFinite(data35))){
if(data35 > 2147483648 || isNaN(data35)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/shape/" + i3,keyword:"maximum",params:{comparison: "<=", limit: 2147483648}}];
return false;
}
else {
if(data35 < -1 || isNaN(data35)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/shape/" + i3,keyword:"minimum",params:{comparison: ">=", limit: -1}}];
return false;
}
}
}
}
var valid17 = _errs81 === errors;
if(!valid17){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/shape",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid16 = _errs79 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.classes !== undefined){
let data36 = data31.classes;
const _errs83 = errors;
if(errors === _errs83){
if(Array.isArray(data36)){
if(data36.length > 10000){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classes",keyword:"maxItems",params:{limit: 10000}}];
return false;
}
else {
var valid18 = true;
const len4 = data36.length;
for(let i4=0; i4<len4; i4++){
let data37 = data36[i4];
const _errs85 = errors;
if(errors === _errs85){
if(typeof data37 === "string"){
if(func1(data37) > 128){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classes/" + i4,keyword:"maxLength",params:{limit: 128}}];
return false;
}
else {
if(func1(data37) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classes/" + i4,keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classes/" + i4,keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid18 = _errs85 === errors;
if(!valid18){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classes",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid16 = _errs83 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.classCount !== undefined){
let data38 = data31.classCount;
const _errs87 = errors;
if(!(((typeof data38 == "number") && (!(data38 % 1) && !isNaN(data38))) && (isFinite(data38)))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classCount",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs87){
if((typeof data38 == "number") && (isFinite(data38))){
if(data38 > 100000 || isNaN(data38)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classCount",keyword:"maximum",params:{comparison: "<=", limit: 100000}}];
return false;
}
else {
if(data38 < 1 || isNaN(data38)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/classCount",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid16 = _errs87 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.scores !== undefined){
let data39 = data31.scores;
const _errs89 = errors;
if(!((data39 === "probabilities") || (data39 === "logits"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/scores",keyword:"enum",params:{allowedValues: schema33.properties.scores.enum}}];
return false;
}
var valid16 = _errs89 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.kind !== undefined){
let data40 = data31.kind;
const _errs90 = errors;
if(!(((((data40 === "scalar") || (data40 === "embedding")) || (data40 === "detections")) || (data40 === "text")) || (data40 === "classes"))){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/kind",keyword:"enum",params:{allowedValues: schema33.properties.kind.enum}}];
return false;
}
var valid16 = _errs90 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.centre !== undefined){
let data41 = data31.centre;
const _errs91 = errors;
if(errors === _errs91){
if((typeof data41 == "number") && (isFinite(data41))){
if(data41 > 1000000000000000 || isNaN(data41)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/centre",keyword:"maximum",params:{comparison: "<=", limit: 1000000000000000}}];
return false;
}
else {
if(data41 < -1000000000000000 || isNaN(data41)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/centre",keyword:"minimum",params:{comparison: ">=", limit: -1000000000000000}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/centre",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid16 = _errs91 === errors;
}
else {
var valid16 = true;
}
if(valid16){
if(data31.space !== undefined){
let data42 = data31.space;
const _errs93 = errors;
if(errors === _errs93){
if(typeof data42 === "string"){
if(!pattern4.test(data42)){
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/space",keyword:"pattern",params:{pattern: "^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2+"/space",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid16 = _errs93 === errors;
}
else {
var valid16 = true;
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs/" + i2,keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid14 = _errs72 === errors;
if(!valid14){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface/outputs",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid9 = _errs70 === errors;
}
else {
var valid9 = true;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/interface",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs54 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.bom !== undefined){
let data43 = data9.bom;
const _errs95 = errors;
if(errors === _errs95){
if(typeof data43 === "string"){
if(!pattern12.test(data43)){
validate20.errors = [{instancePath:instancePath+"/spec/bom",keyword:"pattern",params:{pattern: "^sha256:[0-9a-f]{64}$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/bom",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid2 = _errs95 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.confidence !== undefined){
let data44 = data9.confidence;
const _errs97 = errors;
if(errors === _errs97){
if(data44 && typeof data44 == "object" && !Array.isArray(data44)){
let missing6;
if((data44.least === undefined) && (missing6 = "least")){
validate20.errors = [{instancePath:instancePath+"/spec/confidence",keyword:"required",params:{missingProperty: missing6}}];
return false;
}
else {
const _errs99 = errors;
for(const key12 in data44){
if(!(key12 === "least")){
validate20.errors = [{instancePath:instancePath+"/spec/confidence",keyword:"additionalProperties",params:{additionalProperty: key12}}];
return false;
break;
}
}
if(_errs99 === errors){
if(data44.least !== undefined){
let data45 = data44.least;
const _errs100 = errors;
if(errors === _errs100){
if((typeof data45 == "number") && (isFinite(data45))){
if(data45 > 1 || isNaN(data45)){
validate20.errors = [{instancePath:instancePath+"/spec/confidence/least",keyword:"maximum",params:{comparison: "<=", limit: 1}}];
return false;
}
else {
if(data45 < 0 || isNaN(data45)){
validate20.errors = [{instancePath:instancePath+"/spec/confidence/least",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/confidence/least",keyword:"type",params:{type: "number"}}];
return false;
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/confidence",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs97 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.variants !== undefined){
let data46 = data9.variants;
const _errs102 = errors;
if(errors === _errs102){
if(Array.isArray(data46)){
if(data46.length > 64){
validate20.errors = [{instancePath:instancePath+"/spec/variants",keyword:"maxItems",params:{limit: 64}}];
return false;
}
else {
if(data46.length < 1){
validate20.errors = [{instancePath:instancePath+"/spec/variants",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid20 = true;
const len5 = data46.length;
for(let i5=0; i5<len5; i5++){
const _errs104 = errors;
if(!(validate21(data46[i5], {instancePath:instancePath+"/spec/variants/" + i5,parentData:data46,parentDataProperty:i5,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate21.errors : vErrors.concat(validate21.errors);
errors = vErrors.length;
}
var valid20 = _errs104 === errors;
if(!valid20){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/variants",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid2 = _errs102 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.compatibility !== undefined){
let data48 = data9.compatibility;
const _errs105 = errors;
if(errors === _errs105){
if(data48 && typeof data48 == "object" && !Array.isArray(data48)){
const _errs107 = errors;
for(const key13 in data48){
if(!(((((key13 === "agent") || (key13 === "firmware")) || (key13 === "inferenceCode")) || (key13 === "groups")) || (key13 === "features"))){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility",keyword:"additionalProperties",params:{additionalProperty: key13}}];
return false;
break;
}
}
if(_errs107 === errors){
if(data48.agent !== undefined){
let data49 = data48.agent;
const _errs108 = errors;
if(errors === _errs108){
if(errors === _errs108){
if(typeof data49 === "string"){
if(func1(data49) > 256){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/agent",keyword:"maxLength",params:{limit: 256}}];
return false;
}
else {
if(func1(data49) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/agent",keyword:"minLength",params:{limit: 1}}];
return false;
}
else {
if(!(formats0(data49))){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/agent",keyword:"format",params:{format: "slipway-version-range"}}];
return false;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/agent",keyword:"type",params:{type: "string"}}];
return false;
}
}
}
var valid21 = _errs108 === errors;
}
else {
var valid21 = true;
}
if(valid21){
if(data48.firmware !== undefined){
let data50 = data48.firmware;
const _errs110 = errors;
if(errors === _errs110){
if(errors === _errs110){
if(typeof data50 === "string"){
if(func1(data50) > 256){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/firmware",keyword:"maxLength",params:{limit: 256}}];
return false;
}
else {
if(func1(data50) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/firmware",keyword:"minLength",params:{limit: 1}}];
return false;
}
else {
if(!(formats0(data50))){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/firmware",keyword:"format",params:{format: "slipway-version-range"}}];
return false;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/firmware",keyword:"type",params:{type: "string"}}];
return false;
}
}
}
var valid21 = _errs110 === errors;
}
else {
var valid21 = true;
}
if(valid21){
if(data48.inferenceCode !== undefined){
let data51 = data48.inferenceCode;
const _errs112 = errors;
if(errors === _errs112){
if(errors === _errs112){
if(typeof data51 === "string"){
if(func1(data51) > 256){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/inferenceCode",keyword:"maxLength",params:{limit: 256}}];
return false;
}
else {
if(func1(data51) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/inferenceCode",keyword:"minLength",params:{limit: 1}}];
return false;
}
else {
if(!(formats0(data51))){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/inferenceCode",keyword:"format",params:{format: "slipway-version-range"}}];
return false;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/inferenceCode",keyword:"type",params:{type: "string"}}];
return false;
}
}
}
var valid21 = _errs112 === errors;
}
else {
var valid21 = true;
}
if(valid21){
if(data48.groups !== undefined){
let data52 = data48.groups;
const _errs114 = errors;
if(errors === _errs114){
if(Array.isArray(data52)){
if(data52.length > 200){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/groups",keyword:"maxItems",params:{limit: 200}}];
return false;
}
else {
var valid22 = true;
const len6 = data52.length;
for(let i6=0; i6<len6; i6++){
let data53 = data52[i6];
const _errs116 = errors;
if(errors === _errs116){
if(typeof data53 === "string"){
if(!pattern4.test(data53)){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/groups/" + i6,keyword:"pattern",params:{pattern: "^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/groups/" + i6,keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid22 = _errs116 === errors;
if(!valid22){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/groups",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid21 = _errs114 === errors;
}
else {
var valid21 = true;
}
if(valid21){
if(data48.features !== undefined){
let data54 = data48.features;
const _errs118 = errors;
if(errors === _errs118){
if(Array.isArray(data54)){
if(data54.length > 64){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/features",keyword:"maxItems",params:{limit: 64}}];
return false;
}
else {
var valid23 = true;
const len7 = data54.length;
for(let i7=0; i7<len7; i7++){
let data55 = data54[i7];
const _errs120 = errors;
if(errors === _errs120){
if(typeof data55 === "string"){
if(!pattern4.test(data55)){
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/features/" + i7,keyword:"pattern",params:{pattern: "^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/features/" + i7,keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid23 = _errs120 === errors;
if(!valid23){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility/features",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid21 = _errs118 === errors;
}
else {
var valid21 = true;
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/compatibility",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs105 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.resources !== undefined){
let data56 = data9.resources;
const _errs122 = errors;
if(errors === _errs122){
if(data56 && typeof data56 == "object" && !Array.isArray(data56)){
const _errs124 = errors;
for(const key14 in data56){
if(!((key14 === "memoryBytes") || (key14 === "diskBytes"))){
validate20.errors = [{instancePath:instancePath+"/spec/resources",keyword:"additionalProperties",params:{additionalProperty: key14}}];
return false;
break;
}
}
if(_errs124 === errors){
if(data56.memoryBytes !== undefined){
let data57 = data56.memoryBytes;
const _errs125 = errors;
if(!(((typeof data57 == "number") && (!(data57 % 1) && !isNaN(data57))) && (isFinite(data57)))){
validate20.errors = [{instancePath:instancePath+"/spec/resources/memoryBytes",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs125){
if((typeof data57 == "number") && (isFinite(data57))){
if(data57 > 1000000000000000 || isNaN(data57)){
validate20.errors = [{instancePath:instancePath+"/spec/resources/memoryBytes",keyword:"maximum",params:{comparison: "<=", limit: 1000000000000000}}];
return false;
}
else {
if(data57 < 0 || isNaN(data57)){
validate20.errors = [{instancePath:instancePath+"/spec/resources/memoryBytes",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid24 = _errs125 === errors;
}
else {
var valid24 = true;
}
if(valid24){
if(data56.diskBytes !== undefined){
let data58 = data56.diskBytes;
const _errs127 = errors;
if(!(((typeof data58 == "number") && (!(data58 % 1) && !isNaN(data58))) && (isFinite(data58)))){
validate20.errors = [{instancePath:instancePath+"/spec/resources/diskBytes",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs127){
if((typeof data58 == "number") && (isFinite(data58))){
if(data58 > 1000000000000000 || isNaN(data58)){
validate20.errors = [{instancePath:instancePath+"/spec/resources/diskBytes",keyword:"maximum",params:{comparison: "<=", limit: 1000000000000000}}];
return false;
}
else {
if(data58 < 0 || isNaN(data58)){
validate20.errors = [{instancePath:instancePath+"/spec/resources/diskBytes",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
}
var valid24 = _errs127 === errors;
}
else {
var valid24 = true;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/resources",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs122 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.examples !== undefined){
let data59 = data9.examples;
const _errs129 = errors;
if(errors === _errs129){
if(Array.isArray(data59)){
if(data59.length > 100){
validate20.errors = [{instancePath:instancePath+"/spec/examples",keyword:"maxItems",params:{limit: 100}}];
return false;
}
else {
var valid25 = true;
const len8 = data59.length;
for(let i8=0; i8<len8; i8++){
let data60 = data59[i8];
const _errs131 = errors;
const _errs132 = errors;
if(errors === _errs132){
if(data60 && typeof data60 == "object" && !Array.isArray(data60)){
let missing7;
if((((data60.name === undefined) && (missing7 = "name")) || ((data60.inputs === undefined) && (missing7 = "inputs"))) || ((data60.expect === undefined) && (missing7 = "expect"))){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8,keyword:"required",params:{missingProperty: missing7}}];
return false;
}
else {
const _errs134 = errors;
for(const key15 in data60){
if(!((((key15 === "name") || (key15 === "inputs")) || (key15 === "shapes")) || (key15 === "expect"))){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8,keyword:"additionalProperties",params:{additionalProperty: key15}}];
return false;
break;
}
}
if(_errs134 === errors){
if(data60.name !== undefined){
let data61 = data60.name;
const _errs135 = errors;
if(errors === _errs135){
if(typeof data61 === "string"){
if(func1(data61) > 200){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/name",keyword:"maxLength",params:{limit: 200}}];
return false;
}
else {
if(func1(data61) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/name",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/name",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid27 = _errs135 === errors;
}
else {
var valid27 = true;
}
if(valid27){
if(data60.inputs !== undefined){
let data62 = data60.inputs;
const _errs137 = errors;
if(errors === _errs137){
if(data62 && typeof data62 == "object" && !Array.isArray(data62)){
if(Object.keys(data62).length > 64){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/inputs",keyword:"maxProperties",params:{limit: 64}}];
return false;
}
else {
for(const key16 in data62){
const _errs139 = errors;
if(typeof key16 === "string"){
if(!pattern21.test(key16)){
const err4 = {instancePath:instancePath+"/spec/examples/" + i8+"/inputs",keyword:"pattern",params:{pattern: "^[^\\s].{0,511}$"},propertyName:key16};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
var valid28 = _errs139 === errors;
if(!valid28){
const err5 = {instancePath:instancePath+"/spec/examples/" + i8+"/inputs",keyword:"propertyNames",params:{propertyName: key16}};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
validate20.errors = vErrors;
return false;
break;
}
}
if(valid28){
for(const key17 in data62){
let data63 = data62[key17];
const _errs141 = errors;
if(errors === _errs141){
if(Array.isArray(data63)){
if(data63.length > 20000){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/inputs/" + key17.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"maxItems",params:{limit: 20000}}];
return false;
}
else {
var valid30 = true;
const len9 = data63.length;
for(let i9=0; i9<len9; i9++){
let data64 = data63[i9];
const _errs143 = errors;
if(((!((typeof data64 == "number") && (isFinite(data64)))) && (typeof data64 !== "string")) && (typeof data64 !== "boolean")){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/inputs/" + key17.replace(/~/g, "~0").replace(/\//g, "~1")+"/" + i9,keyword:"type",params:{type: schema36.properties.inputs.additionalProperties.items.type}}];
return false;
}
var valid30 = _errs143 === errors;
if(!valid30){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/inputs/" + key17.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid29 = _errs141 === errors;
if(!valid29){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/inputs",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid27 = _errs137 === errors;
}
else {
var valid27 = true;
}
if(valid27){
if(data60.shapes !== undefined){
let data65 = data60.shapes;
const _errs145 = errors;
if(errors === _errs145){
if(data65 && typeof data65 == "object" && !Array.isArray(data65)){
if(Object.keys(data65).length > 128){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/shapes",keyword:"maxProperties",params:{limit: 128}}];
return false;
}
else {
for(const key18 in data65){
const _errs147 = errors;
if(typeof key18 === "string"){
if(!pattern21.test(key18)){
const err6 = {instancePath:instancePath+"/spec/examples/" + i8+"/shapes",keyword:"pattern",params:{pattern: "^[^\\s].{0,511}$"},propertyName:key18};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
var valid31 = _errs147 === errors;
if(!valid31){
const err7 = {instancePath:instancePath+"/spec/examples/" + i8+"/shapes",keyword:"propertyNames",params:{propertyName: key18}};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
validate20.errors = vErrors;
return false;
break;
}
}
if(valid31){
for(const key19 in data65){
let data66 = data65[key19];
const _errs149 = errors;
if(errors === _errs149){
if(Array.isArray(data66)){
if(data66.length > 8){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/shapes/" + key19.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"maxItems",params:{limit: 8}}];
return false;
}
else {
var valid33 = true;
const len10 = data66.length;
for(let i10=0; i10<len10; i10++){
let data67 = data66[i10];
const _errs151 = errors;
if(!(((typeof data67 == "number") && (!(data67 % 1) && !isNaN(data67))) && (isFinite(data67)))){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/shapes/" + key19.replace(/~/g, "~0").replace(/\//g, "~1")+"/" + i10,keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs151){
if((typeof data67 == "number") && (isFinite(data67))){
if(data67 > 2147483648 || isNaN(data67)){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/shapes/" + key19.replace(/~/g, "~0").replace(/\//g, "~1")+"/" + i10,keyword:"maximum",params:{comparison: "<=", limit: 2147483648}}];
return false;
}
else {
if(data67 < 1 || isNaN(data67)){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/shapes/" + key19.replace(/~/g, "~0").replace(/\//g, "~1")+"/" + i10,keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid33 = _errs151 === errors;
if(!valid33){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/shapes/" + key19.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid32 = _errs149 === errors;
if(!valid32){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/shapes",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid27 = _errs145 === errors;
}
else {
var valid27 = true;
}
if(valid27){
if(data60.expect !== undefined){
let data68 = data60.expect;
const _errs153 = errors;
if(errors === _errs153){
if(data68 && typeof data68 == "object" && !Array.isArray(data68)){
if(Object.keys(data68).length < 1){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect",keyword:"minProperties",params:{limit: 1}}];
return false;
}
else {
const _errs155 = errors;
for(const key20 in data68){
if(!(((key20 === "class") || (key20 === "outputs")) || (key20 === "tolerance"))){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect",keyword:"additionalProperties",params:{additionalProperty: key20}}];
return false;
break;
}
}
if(_errs155 === errors){
if(data68.class !== undefined){
let data69 = data68.class;
const _errs156 = errors;
if(errors === _errs156){
if(typeof data69 === "string"){
if(func1(data69) > 128){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/class",keyword:"maxLength",params:{limit: 128}}];
return false;
}
else {
if(func1(data69) < 1){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/class",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/class",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid34 = _errs156 === errors;
}
else {
var valid34 = true;
}
if(valid34){
if(data68.outputs !== undefined){
let data70 = data68.outputs;
const _errs158 = errors;
if(errors === _errs158){
if(data70 && typeof data70 == "object" && !Array.isArray(data70)){
if(Object.keys(data70).length > 64){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/outputs",keyword:"maxProperties",params:{limit: 64}}];
return false;
}
else {
for(const key21 in data70){
const _errs160 = errors;
if(typeof key21 === "string"){
if(!pattern21.test(key21)){
const err8 = {instancePath:instancePath+"/spec/examples/" + i8+"/expect/outputs",keyword:"pattern",params:{pattern: "^[^\\s].{0,511}$"},propertyName:key21};
if(vErrors === null){
vErrors = [err8];
}
else {
vErrors.push(err8);
}
errors++;
}
}
var valid35 = _errs160 === errors;
if(!valid35){
const err9 = {instancePath:instancePath+"/spec/examples/" + i8+"/expect/outputs",keyword:"propertyNames",params:{propertyName: key21}};
if(vErrors === null){
vErrors = [err9];
}
else {
vErrors.push(err9);
}
errors++;
validate20.errors = vErrors;
return false;
break;
}
}
if(valid35){
for(const key22 in data70){
let data71 = data70[key22];
const _errs162 = errors;
if(errors === _errs162){
if(Array.isArray(data71)){
if(data71.length > 20000){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/outputs/" + key22.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"maxItems",params:{limit: 20000}}];
return false;
}
else {
var valid37 = true;
const len11 = data71.length;
for(let i11=0; i11<len11; i11++){
let data72 = data71[i11];
const _errs164 = errors;
if(((!((typeof data72 == "number") && (isFinite(data72)))) && (typeof data72 !== "string")) && (typeof data72 !== "boolean")){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/outputs/" + key22.replace(/~/g, "~0").replace(/\//g, "~1")+"/" + i11,keyword:"type",params:{type: schema36.properties.expect.properties.outputs.additionalProperties.items.type}}];
return false;
}
var valid37 = _errs164 === errors;
if(!valid37){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/outputs/" + key22.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid36 = _errs162 === errors;
if(!valid36){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/outputs",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid34 = _errs158 === errors;
}
else {
var valid34 = true;
}
if(valid34){
if(data68.tolerance !== undefined){
let data73 = data68.tolerance;
const _errs166 = errors;
if(errors === _errs166){
if((typeof data73 == "number") && (isFinite(data73))){
if(data73 < 0 || isNaN(data73)){
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/tolerance",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect/tolerance",keyword:"type",params:{type: "number"}}];
return false;
}
}
var valid34 = _errs166 === errors;
}
else {
var valid34 = true;
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8+"/expect",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid27 = _errs153 === errors;
}
else {
var valid27 = true;
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples/" + i8,keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid25 = _errs131 === errors;
if(!valid25){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/examples",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid2 = _errs129 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.parameters !== undefined){
let data74 = data9.parameters;
const _errs168 = errors;
if(errors === _errs168){
if(data74 && typeof data74 == "object" && !Array.isArray(data74)){
if(Object.keys(data74).length > 100){
validate20.errors = [{instancePath:instancePath+"/spec/parameters",keyword:"maxProperties",params:{limit: 100}}];
return false;
}
else {
for(const key23 in data74){
const _errs170 = errors;
if(typeof key23 === "string"){
if(!pattern9.test(key23)){
const err10 = {instancePath:instancePath+"/spec/parameters",keyword:"pattern",params:{pattern: "^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},propertyName:key23};
if(vErrors === null){
vErrors = [err10];
}
else {
vErrors.push(err10);
}
errors++;
}
}
var valid38 = _errs170 === errors;
if(!valid38){
const err11 = {instancePath:instancePath+"/spec/parameters",keyword:"propertyNames",params:{propertyName: key23}};
if(vErrors === null){
vErrors = [err11];
}
else {
vErrors.push(err11);
}
errors++;
validate20.errors = vErrors;
return false;
break;
}
}
if(valid38){
for(const key24 in data74){
let data75 = data74[key24];
const _errs172 = errors;
if(((typeof data75 !== "string") && (!((typeof data75 == "number") && (isFinite(data75))))) && (typeof data75 !== "boolean")){
validate20.errors = [{instancePath:instancePath+"/spec/parameters/" + key24.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"type",params:{type: schema31.properties.spec.properties.parameters.additionalProperties.type}}];
return false;
}
var valid39 = _errs172 === errors;
if(!valid39){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/parameters",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs168 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.parameterLimits !== undefined){
let data76 = data9.parameterLimits;
const _errs174 = errors;
if(errors === _errs174){
if(data76 && typeof data76 == "object" && !Array.isArray(data76)){
if(Object.keys(data76).length > 100){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits",keyword:"maxProperties",params:{limit: 100}}];
return false;
}
else {
for(const key25 in data76){
const _errs176 = errors;
if(typeof key25 === "string"){
if(!pattern9.test(key25)){
const err12 = {instancePath:instancePath+"/spec/parameterLimits",keyword:"pattern",params:{pattern: "^[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},propertyName:key25};
if(vErrors === null){
vErrors = [err12];
}
else {
vErrors.push(err12);
}
errors++;
}
}
var valid40 = _errs176 === errors;
if(!valid40){
const err13 = {instancePath:instancePath+"/spec/parameterLimits",keyword:"propertyNames",params:{propertyName: key25}};
if(vErrors === null){
vErrors = [err13];
}
else {
vErrors.push(err13);
}
errors++;
validate20.errors = vErrors;
return false;
break;
}
}
if(valid40){
for(const key26 in data76){
let data77 = data76[key26];
const _errs178 = errors;
const _errs179 = errors;
if(errors === _errs179){
if(data77 && typeof data77 == "object" && !Array.isArray(data77)){
if(Object.keys(data77).length < 1){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"minProperties",params:{limit: 1}}];
return false;
}
else {
const _errs181 = errors;
for(const key27 in data77){
if(!(((key27 === "least") || (key27 === "most")) || (key27 === "oneOf"))){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"additionalProperties",params:{additionalProperty: key27}}];
return false;
break;
}
}
if(_errs181 === errors){
if(data77.least !== undefined){
let data78 = data77.least;
const _errs182 = errors;
if(!((typeof data78 == "number") && (isFinite(data78)))){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1")+"/least",keyword:"type",params:{type: "number"}}];
return false;
}
var valid43 = _errs182 === errors;
}
else {
var valid43 = true;
}
if(valid43){
if(data77.most !== undefined){
let data79 = data77.most;
const _errs184 = errors;
if(!((typeof data79 == "number") && (isFinite(data79)))){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1")+"/most",keyword:"type",params:{type: "number"}}];
return false;
}
var valid43 = _errs184 === errors;
}
else {
var valid43 = true;
}
if(valid43){
if(data77.oneOf !== undefined){
let data80 = data77.oneOf;
const _errs186 = errors;
if(errors === _errs186){
if(Array.isArray(data80)){
if(data80.length > 100){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1")+"/oneOf",keyword:"maxItems",params:{limit: 100}}];
return false;
}
else {
if(data80.length < 1){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1")+"/oneOf",keyword:"minItems",params:{limit: 1}}];
return false;
}
else {
var valid44 = true;
const len12 = data80.length;
for(let i12=0; i12<len12; i12++){
let data81 = data80[i12];
const _errs188 = errors;
if(((typeof data81 !== "string") && (!((typeof data81 == "number") && (isFinite(data81))))) && (typeof data81 !== "boolean")){
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1")+"/oneOf/" + i12,keyword:"type",params:{type: schema37.properties.oneOf.items.type}}];
return false;
}
var valid44 = _errs188 === errors;
if(!valid44){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1")+"/oneOf",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid43 = _errs186 === errors;
}
else {
var valid43 = true;
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits/" + key26.replace(/~/g, "~0").replace(/\//g, "~1"),keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid41 = _errs178 === errors;
if(!valid41){
break;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/parameterLimits",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs174 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data9.health !== undefined){
let data82 = data9.health;
const _errs190 = errors;
if(errors === _errs190){
if(data82 && typeof data82 == "object" && !Array.isArray(data82)){
const _errs192 = errors;
for(const key28 in data82){
if(!((((((((key28 === "warmUp") || (key28 === "errorRate")) || (key28 === "unknownRate")) || (key28 === "latencyP95")) || (key28 === "latencyMean")) || (key28 === "maxCpuPercent")) || (key28 === "maxMemoryPercent")) || (key28 === "maxTemperatureCelsius"))){
validate20.errors = [{instancePath:instancePath+"/spec/health",keyword:"additionalProperties",params:{additionalProperty: key28}}];
return false;
break;
}
}
if(_errs192 === errors){
if(data82.warmUp !== undefined){
let data83 = data82.warmUp;
const _errs193 = errors;
if(errors === _errs193){
if(data83 && typeof data83 == "object" && !Array.isArray(data83)){
const _errs195 = errors;
for(const key29 in data83){
if(!((key29 === "duration") || (key29 === "inferences"))){
validate20.errors = [{instancePath:instancePath+"/spec/health/warmUp",keyword:"additionalProperties",params:{additionalProperty: key29}}];
return false;
break;
}
}
if(_errs195 === errors){
if(data83.duration !== undefined){
let data84 = data83.duration;
const _errs196 = errors;
if(errors === _errs196){
if(typeof data84 === "string"){
if(!pattern26.test(data84)){
validate20.errors = [{instancePath:instancePath+"/spec/health/warmUp/duration",keyword:"pattern",params:{pattern: "^(?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/health/warmUp/duration",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid46 = _errs196 === errors;
}
else {
var valid46 = true;
}
if(valid46){
if(data83.inferences !== undefined){
let data85 = data83.inferences;
const _errs198 = errors;
if(!(((typeof data85 == "number") && (!(data85 % 1) && !isNaN(data85))) && (isFinite(data85)))){
validate20.errors = [{instancePath:instancePath+"/spec/health/warmUp/inferences",keyword:"type",params:{type: "integer"}}];
return false;
}
if(errors === _errs198){
if((typeof data85 == "number") && (isFinite(data85))){
if(data85 > 1000000000 || isNaN(data85)){
validate20.errors = [{instancePath:instancePath+"/spec/health/warmUp/inferences",keyword:"maximum",params:{comparison: "<=", limit: 1000000000}}];
return false;
}
else {
if(data85 < 1 || isNaN(data85)){
validate20.errors = [{instancePath:instancePath+"/spec/health/warmUp/inferences",keyword:"minimum",params:{comparison: ">=", limit: 1}}];
return false;
}
}
}
}
var valid46 = _errs198 === errors;
}
else {
var valid46 = true;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/health/warmUp",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid45 = _errs193 === errors;
}
else {
var valid45 = true;
}
if(valid45){
if(data82.errorRate !== undefined){
let data86 = data82.errorRate;
const _errs200 = errors;
if(errors === _errs200){
if(typeof data86 === "string"){
if(!pattern27.test(data86)){
validate20.errors = [{instancePath:instancePath+"/spec/health/errorRate",keyword:"pattern",params:{pattern: "^\\d{1,3}(?:\\.\\d{1,9})? ?%$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/health/errorRate",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid45 = _errs200 === errors;
}
else {
var valid45 = true;
}
if(valid45){
if(data82.unknownRate !== undefined){
let data87 = data82.unknownRate;
const _errs202 = errors;
if(errors === _errs202){
if(typeof data87 === "string"){
if(!pattern27.test(data87)){
validate20.errors = [{instancePath:instancePath+"/spec/health/unknownRate",keyword:"pattern",params:{pattern: "^\\d{1,3}(?:\\.\\d{1,9})? ?%$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/health/unknownRate",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid45 = _errs202 === errors;
}
else {
var valid45 = true;
}
if(valid45){
if(data82.latencyP95 !== undefined){
let data88 = data82.latencyP95;
const _errs204 = errors;
if(errors === _errs204){
if(typeof data88 === "string"){
if(!pattern26.test(data88)){
validate20.errors = [{instancePath:instancePath+"/spec/health/latencyP95",keyword:"pattern",params:{pattern: "^(?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/health/latencyP95",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid45 = _errs204 === errors;
}
else {
var valid45 = true;
}
if(valid45){
if(data82.latencyMean !== undefined){
let data89 = data82.latencyMean;
const _errs206 = errors;
if(errors === _errs206){
if(typeof data89 === "string"){
if(!pattern26.test(data89)){
validate20.errors = [{instancePath:instancePath+"/spec/health/latencyMean",keyword:"pattern",params:{pattern: "^(?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$"}}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/health/latencyMean",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid45 = _errs206 === errors;
}
else {
var valid45 = true;
}
if(valid45){
if(data82.maxCpuPercent !== undefined){
let data90 = data82.maxCpuPercent;
const _errs208 = errors;
if((!((typeof data90 == "number") && (isFinite(data90)))) && (typeof data90 !== "string")){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxCpuPercent",keyword:"type",params:{type: schema31.properties.spec.properties.health.properties.maxCpuPercent.type}}];
return false;
}
if(errors === _errs208){
if((typeof data90 == "number") && (isFinite(data90))){
if(data90 > 1000000 || isNaN(data90)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxCpuPercent",keyword:"maximum",params:{comparison: "<=", limit: 1000000}}];
return false;
}
else {
if(data90 < 0 || isNaN(data90)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxCpuPercent",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
if(errors === _errs208){
if(typeof data90 === "string"){
if(!pattern31.test(data90)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxCpuPercent",keyword:"pattern",params:{pattern: "^\\d{1,7}(?:\\.\\d{1,3})?(?: for (?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6})?$"}}];
return false;
}
}
}
}
var valid45 = _errs208 === errors;
}
else {
var valid45 = true;
}
if(valid45){
if(data82.maxMemoryPercent !== undefined){
let data91 = data82.maxMemoryPercent;
const _errs210 = errors;
if((!((typeof data91 == "number") && (isFinite(data91)))) && (typeof data91 !== "string")){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxMemoryPercent",keyword:"type",params:{type: schema31.properties.spec.properties.health.properties.maxMemoryPercent.type}}];
return false;
}
if(errors === _errs210){
if((typeof data91 == "number") && (isFinite(data91))){
if(data91 > 1000000 || isNaN(data91)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxMemoryPercent",keyword:"maximum",params:{comparison: "<=", limit: 1000000}}];
return false;
}
else {
if(data91 < 0 || isNaN(data91)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxMemoryPercent",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
if(errors === _errs210){
if(typeof data91 === "string"){
if(!pattern31.test(data91)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxMemoryPercent",keyword:"pattern",params:{pattern: "^\\d{1,7}(?:\\.\\d{1,3})?(?: for (?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6})?$"}}];
return false;
}
}
}
}
var valid45 = _errs210 === errors;
}
else {
var valid45 = true;
}
if(valid45){
if(data82.maxTemperatureCelsius !== undefined){
let data92 = data82.maxTemperatureCelsius;
const _errs212 = errors;
if((!((typeof data92 == "number") && (isFinite(data92)))) && (typeof data92 !== "string")){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxTemperatureCelsius",keyword:"type",params:{type: schema31.properties.spec.properties.health.properties.maxTemperatureCelsius.type}}];
return false;
}
if(errors === _errs212){
if((typeof data92 == "number") && (isFinite(data92))){
if(data92 > 1000000 || isNaN(data92)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxTemperatureCelsius",keyword:"maximum",params:{comparison: "<=", limit: 1000000}}];
return false;
}
else {
if(data92 < 0 || isNaN(data92)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxTemperatureCelsius",keyword:"minimum",params:{comparison: ">=", limit: 0}}];
return false;
}
}
}
if(errors === _errs212){
if(typeof data92 === "string"){
if(!pattern31.test(data92)){
validate20.errors = [{instancePath:instancePath+"/spec/health/maxTemperatureCelsius",keyword:"pattern",params:{pattern: "^\\d{1,7}(?:\\.\\d{1,3})?(?: for (?:\\d{1,9}(?:\\.\\d{1,3})?(?:ms|s|m|h|d|w)){1,6})?$"}}];
return false;
}
}
}
}
var valid45 = _errs212 === errors;
}
else {
var valid45 = true;
}
}
}
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec/health",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid2 = _errs190 === errors;
}
else {
var valid2 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/spec",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs19 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath,keyword:"type",params:{type: "object"}}];
return false;
}
}
validate20.errors = vErrors;
return errors === 0;
}
validate20.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

export const fitsTrustPolicyDocument = validate23;
const schema38 = {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://slipway.dev/schemas/v1alpha1/trust-policy.schema.json","type":"object","additionalProperties":false,"required":["apiVersion","kind","spec"],"properties":{"apiVersion":{"const":"slipway.dev/v1alpha1"},"kind":{"const":"TrustPolicy"},"metadata":{"type":"object","additionalProperties":false,"properties":{"name":{"type":"string","pattern":"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}},"spec":{"type":"object","additionalProperties":false,"properties":{"trustedRoot":{"type":"string","minLength":1,"maxLength":500},"signers":{"type":"array","items":{"$ref":"#/$defs/TrustedSigner"},"maxItems":256},"reconciler":{"type":"array","items":{"$ref":"#/$defs/ReconcilerKey"},"maxItems":16}}}},"$defs":{"KeylessIdentity":{"type":"object","additionalProperties":false,"required":["issuer"],"properties":{"issuer":{"type":"string","pattern":"^https?://[^\\s]+$","maxLength":500},"identity":{"type":"string","minLength":1,"maxLength":1000},"identityPattern":{"type":"string","minLength":1,"maxLength":1000}}},"TrustedSigner":{"type":"object","additionalProperties":false,"required":["name"],"properties":{"name":{"type":"string","minLength":1,"maxLength":128},"key":{"type":"string","minLength":1,"maxLength":500},"publicKey":{"type":"string","minLength":1,"maxLength":2000},"keyless":{"$ref":"#/$defs/KeylessIdentity"},"notAfter":{"type":"string","pattern":"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:\\d{2})$"},"revoked":{"type":"boolean","default":false},"require":{"type":"array","items":{"enum":["log","timestamp"]},"maxItems":2},"models":{"type":"array","items":{"type":"string","minLength":1,"maxLength":128,"pattern":"^[A-Za-z0-9._*-]+$"},"maxItems":200},"policies":{"type":"array","items":{"type":"string","minLength":1,"maxLength":128,"pattern":"^[A-Za-z0-9._*-]+$"},"maxItems":200}}},"ReconcilerKey":{"type":"object","additionalProperties":false,"properties":{"key":{"type":"string","minLength":1,"maxLength":500},"publicKey":{"type":"string","minLength":1,"maxLength":2000},"notAfter":{"type":"string","pattern":"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:\\d{2})$"}},"oneOf":[{"required":["key"]},{"required":["publicKey"]}]}}};
const schema41 = {"type":"object","additionalProperties":false,"properties":{"key":{"type":"string","minLength":1,"maxLength":500},"publicKey":{"type":"string","minLength":1,"maxLength":2000},"notAfter":{"type":"string","pattern":"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:\\d{2})$"}},"oneOf":[{"required":["key"]},{"required":["publicKey"]}]};
const pattern36 = new RegExp("^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:\\d{2})$", "u");
const schema39 = {"type":"object","additionalProperties":false,"required":["name"],"properties":{"name":{"type":"string","minLength":1,"maxLength":128},"key":{"type":"string","minLength":1,"maxLength":500},"publicKey":{"type":"string","minLength":1,"maxLength":2000},"keyless":{"$ref":"#/$defs/KeylessIdentity"},"notAfter":{"type":"string","pattern":"^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:\\d{2})$"},"revoked":{"type":"boolean","default":false},"require":{"type":"array","items":{"enum":["log","timestamp"]},"maxItems":2},"models":{"type":"array","items":{"type":"string","minLength":1,"maxLength":128,"pattern":"^[A-Za-z0-9._*-]+$"},"maxItems":200},"policies":{"type":"array","items":{"type":"string","minLength":1,"maxLength":128,"pattern":"^[A-Za-z0-9._*-]+$"},"maxItems":200}}};
const schema40 = {"type":"object","additionalProperties":false,"required":["issuer"],"properties":{"issuer":{"type":"string","pattern":"^https?://[^\\s]+$","maxLength":500},"identity":{"type":"string","minLength":1,"maxLength":1000},"identityPattern":{"type":"string","minLength":1,"maxLength":1000}}};
const pattern37 = new RegExp("^[A-Za-z0-9._*-]+$", "u");

function validate24(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate24.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((data.name === undefined) && (missing0 = "name")){
validate24.errors = [{instancePath,keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(func7.call(schema39.properties, key0))){
validate24.errors = [{instancePath,keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.name !== undefined){
let data0 = data.name;
const _errs2 = errors;
if(errors === _errs2){
if(typeof data0 === "string"){
if(func1(data0) > 128){
validate24.errors = [{instancePath:instancePath+"/name",keyword:"maxLength",params:{limit: 128}}];
return false;
}
else {
if(func1(data0) < 1){
validate24.errors = [{instancePath:instancePath+"/name",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/name",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.key !== undefined){
let data1 = data.key;
const _errs4 = errors;
if(errors === _errs4){
if(typeof data1 === "string"){
if(func1(data1) > 500){
validate24.errors = [{instancePath:instancePath+"/key",keyword:"maxLength",params:{limit: 500}}];
return false;
}
else {
if(func1(data1) < 1){
validate24.errors = [{instancePath:instancePath+"/key",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/key",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.publicKey !== undefined){
let data2 = data.publicKey;
const _errs6 = errors;
if(errors === _errs6){
if(typeof data2 === "string"){
if(func1(data2) > 2000){
validate24.errors = [{instancePath:instancePath+"/publicKey",keyword:"maxLength",params:{limit: 2000}}];
return false;
}
else {
if(func1(data2) < 1){
validate24.errors = [{instancePath:instancePath+"/publicKey",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/publicKey",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.keyless !== undefined){
let data3 = data.keyless;
const _errs8 = errors;
const _errs9 = errors;
if(errors === _errs9){
if(data3 && typeof data3 == "object" && !Array.isArray(data3)){
let missing1;
if((data3.issuer === undefined) && (missing1 = "issuer")){
validate24.errors = [{instancePath:instancePath+"/keyless",keyword:"required",params:{missingProperty: missing1}}];
return false;
}
else {
const _errs11 = errors;
for(const key1 in data3){
if(!(((key1 === "issuer") || (key1 === "identity")) || (key1 === "identityPattern"))){
validate24.errors = [{instancePath:instancePath+"/keyless",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs11 === errors){
if(data3.issuer !== undefined){
let data4 = data3.issuer;
const _errs12 = errors;
if(errors === _errs12){
if(typeof data4 === "string"){
if(func1(data4) > 500){
validate24.errors = [{instancePath:instancePath+"/keyless/issuer",keyword:"maxLength",params:{limit: 500}}];
return false;
}
else {
if(!pattern8.test(data4)){
validate24.errors = [{instancePath:instancePath+"/keyless/issuer",keyword:"pattern",params:{pattern: "^https?://[^\\s]+$"}}];
return false;
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/keyless/issuer",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid2 = _errs12 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data3.identity !== undefined){
let data5 = data3.identity;
const _errs14 = errors;
if(errors === _errs14){
if(typeof data5 === "string"){
if(func1(data5) > 1000){
validate24.errors = [{instancePath:instancePath+"/keyless/identity",keyword:"maxLength",params:{limit: 1000}}];
return false;
}
else {
if(func1(data5) < 1){
validate24.errors = [{instancePath:instancePath+"/keyless/identity",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/keyless/identity",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid2 = _errs14 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data3.identityPattern !== undefined){
let data6 = data3.identityPattern;
const _errs16 = errors;
if(errors === _errs16){
if(typeof data6 === "string"){
if(func1(data6) > 1000){
validate24.errors = [{instancePath:instancePath+"/keyless/identityPattern",keyword:"maxLength",params:{limit: 1000}}];
return false;
}
else {
if(func1(data6) < 1){
validate24.errors = [{instancePath:instancePath+"/keyless/identityPattern",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/keyless/identityPattern",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid2 = _errs16 === errors;
}
else {
var valid2 = true;
}
}
}
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/keyless",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.notAfter !== undefined){
let data7 = data.notAfter;
const _errs18 = errors;
if(errors === _errs18){
if(typeof data7 === "string"){
if(!pattern36.test(data7)){
validate24.errors = [{instancePath:instancePath+"/notAfter",keyword:"pattern",params:{pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:\\d{2})$"}}];
return false;
}
}
else {
validate24.errors = [{instancePath:instancePath+"/notAfter",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid0 = _errs18 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.revoked !== undefined){
const _errs20 = errors;
if(typeof data.revoked !== "boolean"){
validate24.errors = [{instancePath:instancePath+"/revoked",keyword:"type",params:{type: "boolean"}}];
return false;
}
var valid0 = _errs20 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.require !== undefined){
let data9 = data.require;
const _errs22 = errors;
if(errors === _errs22){
if(Array.isArray(data9)){
if(data9.length > 2){
validate24.errors = [{instancePath:instancePath+"/require",keyword:"maxItems",params:{limit: 2}}];
return false;
}
else {
var valid3 = true;
const len0 = data9.length;
for(let i0=0; i0<len0; i0++){
let data10 = data9[i0];
const _errs24 = errors;
if(!((data10 === "log") || (data10 === "timestamp"))){
validate24.errors = [{instancePath:instancePath+"/require/" + i0,keyword:"enum",params:{allowedValues: schema39.properties.require.items.enum}}];
return false;
}
var valid3 = _errs24 === errors;
if(!valid3){
break;
}
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/require",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs22 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.models !== undefined){
let data11 = data.models;
const _errs25 = errors;
if(errors === _errs25){
if(Array.isArray(data11)){
if(data11.length > 200){
validate24.errors = [{instancePath:instancePath+"/models",keyword:"maxItems",params:{limit: 200}}];
return false;
}
else {
var valid4 = true;
const len1 = data11.length;
for(let i1=0; i1<len1; i1++){
let data12 = data11[i1];
const _errs27 = errors;
if(errors === _errs27){
if(typeof data12 === "string"){
if(func1(data12) > 128){
validate24.errors = [{instancePath:instancePath+"/models/" + i1,keyword:"maxLength",params:{limit: 128}}];
return false;
}
else {
if(func1(data12) < 1){
validate24.errors = [{instancePath:instancePath+"/models/" + i1,keyword:"minLength",params:{limit: 1}}];
return false;
}
else {
if(!pattern37.test(data12)){
validate24.errors = [{instancePath:instancePath+"/models/" + i1,keyword:"pattern",params:{pattern: "^[A-Za-z0-9._*-]+$"}}];
return false;
}
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/models/" + i1,keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid4 = _errs27 === errors;
if(!valid4){
break;
}
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/models",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs25 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.policies !== undefined){
let data13 = data.policies;
const _errs29 = errors;
if(errors === _errs29){
if(Array.isArray(data13)){
if(data13.length > 200){
validate24.errors = [{instancePath:instancePath+"/policies",keyword:"maxItems",params:{limit: 200}}];
return false;
}
else {
var valid5 = true;
const len2 = data13.length;
for(let i2=0; i2<len2; i2++){
let data14 = data13[i2];
const _errs31 = errors;
if(errors === _errs31){
if(typeof data14 === "string"){
if(func1(data14) > 128){
validate24.errors = [{instancePath:instancePath+"/policies/" + i2,keyword:"maxLength",params:{limit: 128}}];
return false;
}
else {
if(func1(data14) < 1){
validate24.errors = [{instancePath:instancePath+"/policies/" + i2,keyword:"minLength",params:{limit: 1}}];
return false;
}
else {
if(!pattern37.test(data14)){
validate24.errors = [{instancePath:instancePath+"/policies/" + i2,keyword:"pattern",params:{pattern: "^[A-Za-z0-9._*-]+$"}}];
return false;
}
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/policies/" + i2,keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid5 = _errs31 === errors;
if(!valid5){
break;
}
}
}
}
else {
validate24.errors = [{instancePath:instancePath+"/policies",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid0 = _errs29 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate24.errors = [{instancePath,keyword:"type",params:{type: "object"}}];
return false;
}
}
validate24.errors = vErrors;
return errors === 0;
}
validate24.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate23(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
/*# sourceURL="https://slipway.dev/schemas/v1alpha1/trust-policy.schema.json" */;
let vErrors = null;
let errors = 0;
const evaluated0 = validate23.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((data.apiVersion === undefined) && (missing0 = "apiVersion")) || ((data.kind === undefined) && (missing0 = "kind"))) || ((data.spec === undefined) && (missing0 = "spec"))){
validate23.errors = [{instancePath,keyword:"required",params:{missingProperty: missing0}}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!((((key0 === "apiVersion") || (key0 === "kind")) || (key0 === "metadata")) || (key0 === "spec"))){
validate23.errors = [{instancePath,keyword:"additionalProperties",params:{additionalProperty: key0}}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.apiVersion !== undefined){
const _errs2 = errors;
if("slipway.dev/v1alpha1" !== data.apiVersion){
validate23.errors = [{instancePath:instancePath+"/apiVersion",keyword:"const",params:{allowedValue: "slipway.dev/v1alpha1"}}];
return false;
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.kind !== undefined){
const _errs3 = errors;
if("TrustPolicy" !== data.kind){
validate23.errors = [{instancePath:instancePath+"/kind",keyword:"const",params:{allowedValue: "TrustPolicy"}}];
return false;
}
var valid0 = _errs3 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.metadata !== undefined){
let data2 = data.metadata;
const _errs4 = errors;
if(errors === _errs4){
if(data2 && typeof data2 == "object" && !Array.isArray(data2)){
const _errs6 = errors;
for(const key1 in data2){
if(!(key1 === "name")){
validate23.errors = [{instancePath:instancePath+"/metadata",keyword:"additionalProperties",params:{additionalProperty: key1}}];
return false;
break;
}
}
if(_errs6 === errors){
if(data2.name !== undefined){
let data3 = data2.name;
const _errs7 = errors;
if(errors === _errs7){
if(typeof data3 === "string"){
if(!pattern4.test(data3)){
validate23.errors = [{instancePath:instancePath+"/metadata/name",keyword:"pattern",params:{pattern: "^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"}}];
return false;
}
}
else {
validate23.errors = [{instancePath:instancePath+"/metadata/name",keyword:"type",params:{type: "string"}}];
return false;
}
}
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/metadata",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.spec !== undefined){
let data4 = data.spec;
const _errs9 = errors;
if(errors === _errs9){
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
const _errs11 = errors;
for(const key2 in data4){
if(!(((key2 === "trustedRoot") || (key2 === "signers")) || (key2 === "reconciler"))){
validate23.errors = [{instancePath:instancePath+"/spec",keyword:"additionalProperties",params:{additionalProperty: key2}}];
return false;
break;
}
}
if(_errs11 === errors){
if(data4.trustedRoot !== undefined){
let data5 = data4.trustedRoot;
const _errs12 = errors;
if(errors === _errs12){
if(typeof data5 === "string"){
if(func1(data5) > 500){
validate23.errors = [{instancePath:instancePath+"/spec/trustedRoot",keyword:"maxLength",params:{limit: 500}}];
return false;
}
else {
if(func1(data5) < 1){
validate23.errors = [{instancePath:instancePath+"/spec/trustedRoot",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec/trustedRoot",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid2 = _errs12 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data4.signers !== undefined){
let data6 = data4.signers;
const _errs14 = errors;
if(errors === _errs14){
if(Array.isArray(data6)){
if(data6.length > 256){
validate23.errors = [{instancePath:instancePath+"/spec/signers",keyword:"maxItems",params:{limit: 256}}];
return false;
}
else {
var valid3 = true;
const len0 = data6.length;
for(let i0=0; i0<len0; i0++){
const _errs16 = errors;
if(!(validate24(data6[i0], {instancePath:instancePath+"/spec/signers/" + i0,parentData:data6,parentDataProperty:i0,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate24.errors : vErrors.concat(validate24.errors);
errors = vErrors.length;
}
var valid3 = _errs16 === errors;
if(!valid3){
break;
}
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec/signers",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid2 = _errs14 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data4.reconciler !== undefined){
let data8 = data4.reconciler;
const _errs17 = errors;
if(errors === _errs17){
if(Array.isArray(data8)){
if(data8.length > 16){
validate23.errors = [{instancePath:instancePath+"/spec/reconciler",keyword:"maxItems",params:{limit: 16}}];
return false;
}
else {
var valid4 = true;
const len1 = data8.length;
for(let i1=0; i1<len1; i1++){
let data9 = data8[i1];
const _errs19 = errors;
const _errs20 = errors;
const _errs22 = errors;
let valid6 = false;
let passing0 = null;
const _errs23 = errors;
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
let missing1;
if((data9.key === undefined) && (missing1 = "key")){
const err0 = {instancePath:instancePath+"/spec/reconciler/" + i1,keyword:"required",params:{missingProperty: missing1}};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
var _valid0 = _errs23 === errors;
if(_valid0){
valid6 = true;
passing0 = 0;
}
const _errs24 = errors;
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
let missing2;
if((data9.publicKey === undefined) && (missing2 = "publicKey")){
const err1 = {instancePath:instancePath+"/spec/reconciler/" + i1,keyword:"required",params:{missingProperty: missing2}};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
}
}
var _valid0 = _errs24 === errors;
if(_valid0 && valid6){
valid6 = false;
passing0 = [passing0, 1];
}
else {
if(_valid0){
valid6 = true;
passing0 = 1;
}
}
if(!valid6){
const err2 = {instancePath:instancePath+"/spec/reconciler/" + i1,keyword:"oneOf",params:{passingSchemas: passing0}};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
validate23.errors = vErrors;
return false;
}
else {
errors = _errs22;
if(vErrors !== null){
if(_errs22){
vErrors.length = _errs22;
}
else {
vErrors = null;
}
}
}
if(errors === _errs20){
if(data9 && typeof data9 == "object" && !Array.isArray(data9)){
const _errs25 = errors;
for(const key3 in data9){
if(!(((key3 === "key") || (key3 === "publicKey")) || (key3 === "notAfter"))){
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1,keyword:"additionalProperties",params:{additionalProperty: key3}}];
return false;
break;
}
}
if(_errs25 === errors){
if(data9.key !== undefined){
let data10 = data9.key;
const _errs26 = errors;
if(errors === _errs26){
if(typeof data10 === "string"){
if(func1(data10) > 500){
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/key",keyword:"maxLength",params:{limit: 500}}];
return false;
}
else {
if(func1(data10) < 1){
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/key",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/key",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid7 = _errs26 === errors;
}
else {
var valid7 = true;
}
if(valid7){
if(data9.publicKey !== undefined){
let data11 = data9.publicKey;
const _errs28 = errors;
if(errors === _errs28){
if(typeof data11 === "string"){
if(func1(data11) > 2000){
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/publicKey",keyword:"maxLength",params:{limit: 2000}}];
return false;
}
else {
if(func1(data11) < 1){
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/publicKey",keyword:"minLength",params:{limit: 1}}];
return false;
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/publicKey",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid7 = _errs28 === errors;
}
else {
var valid7 = true;
}
if(valid7){
if(data9.notAfter !== undefined){
let data12 = data9.notAfter;
const _errs30 = errors;
if(errors === _errs30){
if(typeof data12 === "string"){
if(!pattern36.test(data12)){
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/notAfter",keyword:"pattern",params:{pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:\\d{2})$"}}];
return false;
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1+"/notAfter",keyword:"type",params:{type: "string"}}];
return false;
}
}
var valid7 = _errs30 === errors;
}
else {
var valid7 = true;
}
}
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec/reconciler/" + i1,keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid4 = _errs19 === errors;
if(!valid4){
break;
}
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec/reconciler",keyword:"type",params:{type: "array"}}];
return false;
}
}
var valid2 = _errs17 === errors;
}
else {
var valid2 = true;
}
}
}
}
}
else {
validate23.errors = [{instancePath:instancePath+"/spec",keyword:"type",params:{type: "object"}}];
return false;
}
}
var valid0 = _errs9 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate23.errors = [{instancePath,keyword:"type",params:{type: "object"}}];
return false;
}
}
validate23.errors = vErrors;
return errors === 0;
}
validate23.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};
