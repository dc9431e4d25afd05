# Digit Lab in a container: PyTorch for the CPU, not as root, runs and data in volumes. How to start it: docs/operations.md.
FROM python:3.12-slim
WORKDIR /opt/digit-lab

# PyTorch's own index has the build without NVIDIA's libraries, which take about 5 GB. Empty: the ordinary build, with them.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt requirements.lock ./
RUN if [ -n "$TORCH_INDEX" ]; then \
      pip install --no-cache-dir --index-url "$TORCH_INDEX" $(grep -oE "^torch(vision)?==[0-9.]+" requirements.lock); \
    fi \
    && pip install --no-cache-dir -r requirements.txt -c requirements.lock

COPY streamlit_app.py pyproject.toml LICENSE ./
COPY .streamlit .streamlit
COPY core core
COPY pages pages
COPY assets assets
COPY docs/teaching.md docs/teaching.md

# 1000 is the user that a Hugging Face Space runs as, and the first one of most machines.
RUN useradd --create-home --uid 1000 lab && mkdir -p /data /runs && chown lab:lab /data /runs \
    && python -m compileall -q core pages
USER lab
VOLUME ["/data", "/runs"]

# A container is reached from outside by its nature; who may reach it is said where its port is published.
ENV PYTHONUNBUFFERED=1 \
    DIGIT_LAB_DATA=/data \
    DIGIT_LAB_RUNS=/runs \
    DIGIT_LAB_SHARED=1 \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SERVER_BASE_URL_PATH= \
    STREAMLIT_SERVER_ALLOWED_HOSTS="localhost 127.0.0.1"
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; e = os.environ; b = e['STREAMLIT_SERVER_BASE_URL_PATH'].strip('/'); u.urlopen(f\"http://127.0.0.1:{e['STREAMLIT_SERVER_PORT']}/{b + '/' if b else ''}_stcore/health\", timeout=4)"]

CMD ["python", "-m", "streamlit", "run", "streamlit_app.py"]
