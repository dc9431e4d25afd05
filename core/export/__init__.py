"""What can be taken along of a run and of a comparison, in forms that other programs read.

source: what a form is made of, and what comes of it · targets: the forms
submission: the answers to Kaggle's ``test.csv`` as its competition wants them · tables: CSV and Parquet
bundle: for another Digit Lab (``core.runs.bundles``) · hub: model card, settings and weights for the Hugging Face Hub
tensorboard: its curves as an event file · onnx_file: its network as one ONNX file (onnx_graph makes it, in onnx_process)
figure: curves with a caption as SVG and PNG (picture draws them) · group_tables, group_figure, group_bundle: of a comparison
lab_sheet: a pupil's report on a lesson (sheet_blocks writes it as HTML and Markdown)
"""
