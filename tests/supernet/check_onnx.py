"""Runs the onnx package's full check over every model in a folder; 77 (skipped) without the package.

usage: check_onnx.py FOLDER
"""

import pathlib
import sys

try:
    import onnx
except ImportError:
    print("SKIPPED: this Python has no onnx package; pip install onnx brings it")
    sys.exit(77)


def check(file):
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8 and model.producer_name == "lathe"
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    edges = {value.name for value in inferred.graph.value_info}
    edges |= {value.name for value in inferred.graph.output}
    missing = [node.name for node in model.graph.node if node.output[0] not in edges]
    assert not missing, f"no shape inferred for {missing}"
    for tensor in model.graph.initializer:
        onnx.numpy_helper.to_array(tensor)  # fails where sizes and data disagree


files = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
if not files:
    sys.exit(f"no models in {sys.argv[1]}")
for file in files:
    try:
        check(file)
    except Exception as error:
        sys.exit(f"{file}: {error}")
print(f"onnx {onnx.__version__}: {len(files)} models pass the full check")
